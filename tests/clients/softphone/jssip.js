// JsSIP as a page of ours uses it: the library's own behaviour, no retries or repairs around it.
import JsSIP from 'jssip';

const pcConfig = { iceServers: [] };
const mediaConstraints = { audio: true, video: false };
let ua;
let session;

function watch(call) {
  session = call;
  // A later call takes over; what an earlier one still has to say is reported too.
  call.on('progress', ({ originator, response }) => { if (originator === 'remote') report('progress', { code: response.status_code }); });
  call.on('accepted', ({ originator }) => report('accepted', { by: originator }));
  call.on('confirmed', ({ originator }) => report('confirmed', { by: originator }));
  call.on('failed', ({ originator, message, cause }) => report('failed', { by: originator, cause, code: message?.status_code, method: message?.method }));
  call.on('ended', ({ originator, message, cause }) => report('ended', { by: originator, cause, code: message?.status_code }));
  call.on('hold', ({ originator }) => { if (originator === 'remote') report('held'); });
  call.on('unhold', ({ originator }) => { if (originator === 'remote') report('unheld'); });
  call.on('reinvite', () => report('reinvite'));
  call.on('newInfo', ({ originator, info }) => {
    if (originator === 'remote') report('info', { body: info.body });
    else info.on('succeeded', ({ response }) => report('info answered', { code: response.status_code }));
  });
  call.on('refer', referral => {
    report('referred', { to: referral.request.refer_to.uri.toString() });
    referral.accept(third => {
      third.on('failed', ({ message }) => report('third failed', { code: message?.status_code }));
      third.on('confirmed', () => report('third confirmed'));
    }, { mediaConstraints, pcConfig });
  });
}

window.softphone = {
  start({ server, uri, password, ...more }) {
    const socket = new JsSIP.WebSocketInterface(server);
    ua = new JsSIP.UA({
      sockets: [socket], uri, password, session_timers: false, connection_recovery_min_interval: 1, connection_recovery_max_interval: 1, ...more,
    });
    ua.on('connected', () => report('connected'));
    ua.on('disconnected', () => report('disconnected'));
    ua.on('registered', ({ response }) => report('registered', { contacts: response.headers.Contact.length }));
    ua.on('unregistered', () => report('unregistered'));
    ua.on('registrationFailed', ({ response }) => report('registration failed', { code: response?.status_code }));
    ua.on('newRTCSession', ({ originator, session: call, request }) => {
      if (originator !== 'remote') return;
      watch(call);
      report('incoming', { from: request.from.uri.toString() });
    });
    ua.on('newMessage', ({ originator, request }) => { if (originator === 'remote') report('message', { body: request.body }); });
    ua.start();
  },
  register() { ua.register(); },
  unregister() { ua.unregister(); },
  call(target) { watch(ua.call(target, { mediaConstraints, pcConfig })); },
  answer() { session.answer({ mediaConstraints, pcConfig }); },
  reject(code) { session.terminate({ status_code: code }); },
  hangup() { session.terminate(); },
  hold() { return new Promise(resolve => session.hold({}, resolve)); },
  unhold() { return new Promise(resolve => session.unhold({}, resolve)); },
  reinvite() { return new Promise((resolve, reject) => { if (!session.renegotiate({}, resolve)) reject(new Error('not now')); }); },
  info(body) { session.sendInfo('application/dtmf-relay', body); },
  refer(target) {
    const referral = session.refer(target);
    referral.on('requestSucceeded', ({ response }) => report('refer answered', { code: response.status_code }));
    referral.on('accepted', ({ status_line }) => report('refer succeeded', { code: status_line.status_code }));
    referral.on('failed', ({ status_line }) => report('refer failed', { code: status_line.status_code }));
  },
  write(target, body) {
    ua.sendMessage(target, body, {
      eventHandlers: { succeeded: ({ response }) => report('written', { code: response.status_code }), failed: ({ response }) => report('written', { code: response?.status_code }) },
    });
  },
};
