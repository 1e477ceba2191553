// SIP.js in Node.js against the daemon: the signalling is the library's own, the media description is invented.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Inviter, Messager, Registerer, SessionState, UserAgent } from 'sip.js';
import WebSocket from 'ws';
import { Inbox, startDaemon, until } from './daemon.mjs';

globalThis.WebSocket = WebSocket;

// What SIP.js asks of a media engine, without one.
class InventedMedia {
  constructor() { this.remote = []; }
  close() {}
  hasDescription(contentType) { return contentType === 'application/sdp'; }
  async getDescription() {
    const version = (this.version = (this.version ?? 0) + 1);
    return { contentType: 'application/sdp', body: `v=0\r\no=- 1 ${version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=label:${'é'.repeat(3)}\r\n` };
  }
  async setDescription(sdp) { this.remote.push(sdp); }
  sendDtmf() { return false; }
}

const clients = [];

class Client {
  constructor(daemon, domain, name, options = {}) {
    this.name = name;
    this.uri = UserAgent.makeURI(`sip:${name}@${domain}`);
    this.invitations = new Inbox(`INVITE for ${name}`);
    this.messages = new Inbox(`MESSAGE for ${name}`);
    this.agent = new UserAgent({
      uri: this.uri,
      transportOptions: { server: daemon.url, traceSip: false },
      sessionDescriptionHandlerFactory: () => new InventedMedia(),
      logLevel: 'error',
      logBuiltinEnabled: Boolean(process.env.SIPJS_LOG),
      noAnswerTimeout: 30,
      delegate: {
        onInvite: invitation => this.invitations.put(this.watch(invitation)),
        onMessage: message => { this.messages.put(message.request.body); message.accept(); },
      },
      ...options.agent,
    });
    this.registerer = new Registerer(this.agent, options.registerer);
    clients.push(this);
  }
  async start() {
    await this.agent.start();
    await this.register();
    return this;
  }
  answerTo(send) {
    return new Promise((resolve, reject) => {
      Promise.resolve(send({ onAccept: resolve, onReject: resolve })).catch(reject);
    }).then(({ message }) => message);
  }
  register() { return this.answerTo(requestDelegate => this.registerer.register({ requestDelegate })); }
  unregister(options) { return this.answerTo(requestDelegate => this.registerer.unregister({ ...options, requestDelegate })); }
  async stop() {
    await this.registerer.dispose().catch(() => {});
    await this.agent.stop();
  }

  watch(session) {
    session.requests = new Inbox('request in the dialog');
    session.delegate = {
      onAck: () => { session.acknowledged = true; },
      onBye: bye => { session.requests.put('BYE'); bye.accept(); },
      onInfo: info => { session.requests.put(`INFO ${info.request.body}`); info.accept(); },
      onInvite: () => session.requests.put('INVITE'),
      onMessage: message => { session.requests.put(`MESSAGE ${message.request.body}`); message.accept(); },
      onNotify: notification => { session.requests.put(`NOTIFY ${notification.request.body}`); notification.accept(); },
      onRefer: referral => session.requests.put(referral),
      onCancel: () => session.requests.put('CANCEL'),
    };
    return session;
  }
  invite(target) {
    const inviter = this.watch(new Inviter(this.agent, target.uri ?? target));
    const outcome = new Promise(resolve => {
      inviter.sent = inviter.invite({
        requestDelegate: {
          onProgress: ({ message }) => { inviter.progress ??= message.statusCode; },
          onAccept: ({ message }) => resolve(message),
          onReject: ({ message }) => resolve(message),
        },
      });
    });
    return { inviter, outcome };
  }
  async talkTo(callee) {
    const { inviter, outcome } = this.invite(callee);
    const invitation = await callee.invitations.next();
    await invitation.accept();
    assert.equal((await outcome).statusCode, 200);
    // With a re-INVITE that arrives in one read with the ACK, SIP.js answers 500: it is still busy with the ACK.
    await until('both ends are established', () => inviter.state === SessionState.Established && invitation.acknowledged);
    return [inviter, invitation];
  }
  async write(target, body) {
    const messager = new Messager(this.agent, target.uri ?? target, body);
    return this.answerTo(requestDelegate => messager.message({ requestDelegate }));
  }
}

const ended = session => until('the session is terminated', () => session.state === SessionState.Terminated);

describe('SIP.js', () => {
  let daemon, alice, bob, carol;
  const domain = '127.0.0.1';

  before(async () => {
    daemon = await startDaemon({ args: ['--demo'] });
    [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(name => new Client(daemon, domain, name).start()));
  });
  after(async () => {
    await Promise.all(clients.map(client => client.stop()));
    await daemon?.stop();
  });

  test('registers, and the answer gives each Contact its time', async () => {
    const answer = await alice.register();
    assert.equal(answer.statusCode, 200);
    const contacts = answer.getHeaders('Contact');
    assert.equal(contacts.length, 1);
    assert.match(contacts[0], /;expires=\d+/);
    assert.ok(contacts[0].includes(alice.agent.contact.uri.host), `its own contact comes back: ${contacts[0]}`);
  });

  test('a call is set up, and the caller ends it', async () => {
    const [inviter, invitation] = await alice.talkTo(bob);
    assert.equal(inviter.progress, 180);
    assert.equal(inviter.sessionDescriptionHandler.remote.length, 1);
    assert.match(invitation.sessionDescriptionHandler.remote[0], /a=label:ééé/);
    const answer = await alice.answerTo(requestDelegate => inviter.bye({ requestDelegate }));
    assert.equal(answer.statusCode, 200);
    assert.equal(await invitation.requests.next(), 'BYE');
    await ended(invitation);
  });

  test('a call is set up, and the callee ends it', async () => {
    const [inviter, invitation] = await alice.talkTo(bob);
    const answer = await bob.answerTo(requestDelegate => invitation.bye({ requestDelegate }));
    assert.equal(answer.statusCode, 200);
    assert.equal(await inviter.requests.next(), 'BYE');
    await ended(inviter);
  });

  test('CANCEL while it rings ends both sides with 487', async () => {
    const { inviter, outcome } = alice.invite(bob);
    const invitation = await bob.invitations.next();
    await until('it rings', () => inviter.progress === 180);
    await inviter.cancel();
    assert.equal((await outcome).statusCode, 487);
    assert.equal(await invitation.requests.next(), 'CANCEL');
    await Promise.all([ended(inviter), ended(invitation)]);
  });

  for (const [statusCode, reasonPhrase] of [[486, 'Busy Here'], [603, 'Decline'], [480, 'Temporarily Unavailable'], [488, 'Not Acceptable Here'], [606, 'Not Acceptable']]) {
    test(`a refusal with ${statusCode} reaches the caller as it was given`, async () => {
      const { inviter, outcome } = alice.invite(bob);
      const invitation = await bob.invitations.next();
      await invitation.reject({ statusCode, reasonPhrase });
      const answer = await outcome;
      assert.deepEqual([answer.statusCode, answer.reasonPhrase], [statusCode, reasonPhrase]);
      await ended(inviter);
    });
  }

  test('messages go both ways, with every byte of their text', async () => {
    const words = 'Grüße, 你好 😀\r\nsecond line';
    assert.equal((await alice.write(bob, words)).statusCode, 200);
    assert.equal(await bob.messages.next(), words);
    const long = 'ä'.repeat(20000);
    assert.equal((await bob.write(alice, long)).statusCode, 200);
    assert.equal(await alice.messages.next(), long);
  });

  test('re-INVITE, INFO and MESSAGE travel inside the dialog from either end', async () => {
    const [inviter, invitation] = await alice.talkTo(bob);
    for (const [near, far, client] of [[inviter, invitation, alice], [invitation, inviter, bob]]) {
      const descriptions = far.sessionDescriptionHandler.remote.length;
      const answer = await client.answerTo(requestDelegate => near.invite({ requestDelegate }));
      assert.equal(answer.statusCode, 200);
      assert.equal(await far.requests.next(), 'INVITE');
      assert.equal(far.sessionDescriptionHandler.remote.length, descriptions + 1);
      const info = { body: { contentDisposition: 'render', contentType: 'application/dtmf-relay', content: 'Signal=5\r\nDuration=160' } };
      assert.equal((await client.answerTo(requestDelegate => near.info({ requestDelegate, requestOptions: info }))).statusCode, 200);
      assert.equal(await far.requests.next(), 'INFO Signal=5\r\nDuration=160');
      const text = { body: { contentDisposition: 'render', contentType: 'text/plain', content: 'in the call' } };
      assert.equal((await client.answerTo(requestDelegate => near.message({ requestDelegate, requestOptions: text }))).statusCode, 200);
      assert.equal(await far.requests.next(), 'MESSAGE in the call');
    }
    await inviter.bye();
    await ended(invitation);
  });

  test('REFER transfers the call, and its NOTIFY comes back', async () => {
    const [inviter, invitation] = await alice.talkTo(bob);
    const accepted = alice.answerTo(requestDelegate => inviter.refer(carol.uri, { requestDelegate }));
    const referral = await invitation.requests.next();
    assert.match(referral.referTo.uri.toString(), /sip:carol@/);
    await referral.accept();
    assert.equal((await accepted).statusCode, 202);
    const third = referral.makeInviter();
    const calling = third.invite();
    await (await carol.invitations.next()).accept();
    await calling;
    await until('the transferred call stands', () => third.state === SessionState.Established);
    // SIP.js reports the new call's progress by itself (RFC 3515 2.4.4).
    await inviter.requests.next(request => String(request).startsWith('NOTIFY SIP/2.0 200'));
    await Promise.all([third.bye(), inviter.bye()]);
    await ended(invitation);
  });

  test('calling or writing to nobody fails at once', async () => {
    const nobody = UserAgent.makeURI(`sip:nobody@${domain}`);
    const before = Date.now();
    assert.ok([404, 480].includes((await alice.invite(nobody).outcome).statusCode));
    assert.ok([404, 480].includes((await alice.write(nobody, 'hello')).statusCode));
    assert.ok(Date.now() - before < 1000);
  });

  test('two devices of one user ring together; the one that answers gets the call, the other a CANCEL', async () => {
    const [desk, mobile] = await Promise.all([1, 2].map(() => new Client(daemon, domain, 'dora').start()));
    const { inviter, outcome } = alice.invite(desk);
    const [atDesk, atMobile] = await Promise.all([desk.invitations.next(), mobile.invitations.next()]);
    await atMobile.accept();
    assert.equal((await outcome).statusCode, 200);
    assert.equal(await atDesk.requests.next(), 'CANCEL');
    await until('the answered call stands', () => atMobile.state === SessionState.Established);
    await inviter.bye();
    await Promise.all([ended(atDesk), ended(atMobile)]);
  });

  test('with an instance and reg-id, a new connection replaces the old binding', async () => {
    const instanceId = UserAgent.newUUID();
    const first = await new Client(daemon, domain, 'emil', { registerer: { instanceId, regId: 1 } }).start();
    const second = new Client(daemon, domain, 'emil', { registerer: { instanceId, regId: 1 } });
    await second.agent.start();
    const answer = await second.register();
    assert.equal(answer.getHeaders('Contact').length, 1);
    assert.ok(answer.getHeader('Contact').includes(second.agent.contact.uri.host));
    assert.equal((await alice.write(second, 'to the new one')).statusCode, 200);
    assert.equal(await second.messages.next(), 'to the new one');
    assert.equal(first.messages.items.length, 0);
  });

  test('after unregistering, nobody is there', async () => {
    const fritz = await new Client(daemon, domain, 'fritz').start();
    assert.equal((await alice.write(fritz, 'before')).statusCode, 200);
    assert.equal((await fritz.unregister()).statusCode, 200);
    assert.ok([404, 480].includes((await alice.write(fritz, 'after')).statusCode));
  });

  test('eight users, spread over the workers, all reach each other', async () => {
    const users = await Promise.all(Array.from({ length: 8 }, (_, i) => new Client(daemon, domain, `user${i}`).start()));
    const answers = await Promise.all(users.flatMap(from => users.filter(to => to !== from).map(to => from.write(to, `${from.name} to ${to.name}`))));
    assert.deepEqual([...new Set(answers.map(answer => answer.statusCode))], [200]);
    for (const user of users) {
      const got = await Promise.all(Array.from({ length: 7 }, () => user.messages.next()));
      assert.deepEqual(got.sort(), users.filter(from => from !== user).map(from => `${from.name} to ${user.name}`).sort());
    }
  });

  test('messages of one connection arrive in the order they were sent', async () => {
    const sent = Array.from({ length: 50 }, (_, i) => `number ${i}`);
    const answers = sent.map(text => alice.write(bob, text));
    await Promise.all(answers);
    const got = [];
    for (let i = 0; i < sent.length; i += 1) got.push(await bob.messages.next());
    assert.deepEqual(got, sent);
  });
});
