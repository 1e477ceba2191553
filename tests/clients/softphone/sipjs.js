// SIP.js as a page of ours uses it: the library's own reconnection, and a REGISTER whenever the transport is back.
import { Inviter, Messager, Registerer, SessionState, UserAgent } from 'sip.js';

const sdp = { constraints: { audio: true, video: false } };
let agent;
let registerer;
let session;

function watch(call) {
  session = call;
  call.stateChange.addListener(state => {
    if (state === SessionState.Established) report('confirmed');
    if (state === SessionState.Terminated) report('ended', {});
  });
  call.delegate = {
    onAck: () => report('ack'),
    onBye: bye => { report('bye'); bye.accept(); },
    onCancel: () => report('cancelled'),
    onInfo: info => { report('info', { body: info.request.body }); info.accept(); },
    onInvite: request => {
      report('reinvite');
      report(/^a=(sendonly|inactive)/m.test(request.body) ? 'held' : 'unheld');
    },
    onNotify: notification => {
      const code = Number(/^SIP\/2\.0 (\d+)/.exec(notification.request.body)?.[1]);
      notification.accept();
      if (code >= 200) report(code < 300 ? 'refer succeeded' : 'refer failed', { code });
    },
    onRefer: async referral => {
      report('referred', { to: referral.referTo.uri.toString() });
      await referral.accept();
      const third = referral.makeInviter({ sessionDescriptionHandlerOptions: sdp });
      third.invite({ requestDelegate: { onReject: ({ message }) => report('third failed', { code: message.statusCode }), onAccept: () => report('third confirmed') } });
    },
  };
}

const answered = send => new Promise((resolve, reject) => {
  const take = ({ message }) => resolve(message.statusCode);
  Promise.resolve(send({ requestDelegate: { onAccept: take, onReject: take } })).catch(reject);
});
const reinvite = hold => {
  session.sessionDescriptionHandlerOptionsReInvite = { ...sdp, hold };
  return answered(options => session.invite(options));
};

window.softphone = {
  start({ server, uri, password, ...more }) {
    agent = new UserAgent({
      uri: UserAgent.makeURI(uri), transportOptions: { server }, authorizationUsername: UserAgent.makeURI(uri).user, authorizationPassword: password ?? '',
      sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] }, iceGatheringTimeout: 500 },
      reconnectionAttempts: 20, reconnectionDelay: 1, noAnswerTimeout: 60, logLevel: 'error', ...more,
      delegate: {
        onConnect: () => { report('connected'); window.softphone.register(); },
        onDisconnect: () => report('disconnected'),
        onInvite: invitation => {
          watch(invitation);
          report('incoming', { from: invitation.remoteIdentity.uri.toString() });
        },
        onMessage: message => { report('message', { body: message.request.body }); message.accept(); },
      },
    });
    registerer = new Registerer(agent);
    agent.start();
  },
  register() {
    registerer.register({ requestDelegate: {
      onAccept: ({ message }) => report('registered', { contacts: message.getHeaders('Contact').length }),
      onReject: ({ message }) => report('registration failed', { code: message.statusCode }),
    } });
  },
  unregister() { registerer.unregister({ requestDelegate: { onAccept: () => report('unregistered') } }); },
  call(target) {
    const inviter = new Inviter(agent, UserAgent.makeURI(target), { sessionDescriptionHandlerOptions: sdp });
    watch(inviter);
    inviter.invite({ requestDelegate: {
      onProgress: ({ message }) => report('progress', { code: message.statusCode }),
      onAccept: () => report('accepted', { by: 'remote' }),
      onReject: ({ message }) => report('failed', { code: message.statusCode }),
    } });
  },
  answer() { session.accept({ sessionDescriptionHandlerOptions: sdp }); },
  reject(code) { session.reject({ statusCode: code }); },
  hangup() {
    if (session.state === SessionState.Established) session.bye();
    else session.cancel();
  },
  hold: () => reinvite(true),
  unhold: () => reinvite(false),
  reinvite: () => reinvite(false),
  async info(content) {
    const code = await answered(({ requestDelegate }) => session.info({ requestDelegate, requestOptions: { body: { contentDisposition: 'render', contentType: 'application/dtmf-relay', content } } }));
    report('info answered', { code });
  },
  async refer(target) { report('refer answered', { code: await answered(options => session.refer(UserAgent.makeURI(target), options)) }); },
  async write(target, body) {
    const messager = new Messager(agent, UserAgent.makeURI(target), body);
    report('written', { code: await answered(options => messager.message(options)) });
  },
};
