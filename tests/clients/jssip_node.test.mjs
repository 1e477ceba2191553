// JsSIP's registration in Node.js, over a small socket made of `ws`: refresh, unregister one and all, replacement of a flow.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import JsSIP from 'jssip';
import WebSocket from 'ws';
import { Inbox, startDaemon, until } from './daemon.mjs';
import { RawSip, contactsOf, statusOf } from './raw_sip.mjs';

// The interface that JsSIP.Socket describes.
class Socket {
  constructor(url) {
    this.url = url;
    this.via_transport = 'WS';
    this.sip_uri = `sip:${new URL(url).host};transport=ws`;
    this.sent = [];
  }
  connect() {
    const ws = (this.ws = new WebSocket(this.url, 'sip'));
    ws.on('open', () => this.onconnect());
    ws.on('message', (data, isBinary) => this.ondata(isBinary ? data : data.toString()));
    ws.on('close', (code, reason) => { if (this.ws === ws) this.ondisconnect(code !== 1000, code, reason.toString()); });
    ws.on('error', () => {});
  }
  disconnect() {
    const { ws } = this;
    this.ws = null;
    ws?.close(1000);
  }
  send(message) {
    if (this.ws?.readyState !== WebSocket.OPEN) return false;
    this.sent.push(message);
    this.ws.send(message);
    return true;
  }
  isConnected() { return this.ws?.readyState === WebSocket.OPEN; }
  isConnecting() { return this.ws?.readyState === WebSocket.CONNECTING; }
}

describe('JsSIP in Node.js', () => {
  const domain = '127.0.0.1';
  const agents = [];
  let daemon, watcher;

  before(async () => {
    daemon = await startDaemon({ args: ['--demo', '--flow-timer', '120'] });
    watcher = await RawSip.open(daemon.url);
  });
  after(async () => {
    for (const agent of agents) agent.ua.stop();
    await watcher?.close();
    await daemon?.stop();
  });

  function agent(user, options = {}) {
    const socket = new Socket(daemon.url);
    const one = { user, socket, events: new Inbox(`event of ${user}`), messages: new Inbox(`MESSAGE for ${user}`) };
    one.ua = new JsSIP.UA({ sockets: [socket], uri: `sip:${user}@${domain}`, connection_recovery_min_interval: 1, connection_recovery_max_interval: 1, ...options });
    for (const event of ['registered', 'unregistered', 'registrationFailed', 'disconnected']) one.ua.on(event, data => one.events.put({ event, ...data }));
    one.ua.on('newMessage', ({ originator, request }) => { if (originator === 'remote') one.messages.put(request.body); });
    one.next = event => one.events.next(item => item.event === event);
    agents.push(one);
    one.ua.start();
    return one;
  }
  const registers = socket => socket.sent.filter(message => message.startsWith('REGISTER'));
  const cseq = message => Number(/^CSeq: (\d+)/m.exec(message)[1]);
  const bindings = user => watcher.bindings(user, domain);

  test('registers with instance and reg-id, and finds its own Contact and time in the answer', async () => {
    const anna = agent('anna');
    const { response } = await anna.next('registered');
    const [contact] = response.headers.Contact;
    assert.match(contact.raw, /;expires=\d+/);
    assert.ok(contact.raw.includes(anna.ua.contact.uri.host), contact.raw);
    assert.equal((await bindings('anna')).length, 1);
    // RFC 5626 6 and 5.4: what it does not know (Flow-Timer) does not disturb it.
    assert.match(response.getHeader('Require'), /outbound/);
    assert.equal(response.getHeader('Flow-Timer'), '120');
  });

  test('refreshes by the same Call-ID with a higher CSeq, and keeps one binding', async () => {
    const berta = agent('berta');
    await berta.next('registered');
    for (let i = 0; i < 3; i += 1) {
      berta.ua.register();
      await until('the refresh was answered', () => registers(berta.socket).length === i + 2 && !berta.ua.registrator()._registering);
    }
    const sent = registers(berta.socket).map(cseq);
    assert.deepEqual(sent, [...sent].sort((a, b) => a - b));
    assert.equal(berta.ua.isRegistered(), true);
    assert.equal((await bindings('berta')).length, 1);
  });

  test('a time that is too short ends in a registration all the same, by 423 or not', async () => {
    const clara = agent('clara', { register_expires: 10 });
    const { response } = await clara.next('registered');
    assert.ok(Number(/;expires=(\d+)/.exec(response.headers.Contact[0].raw)[1]) >= 10);
    assert.ok(registers(clara.socket).length <= 2);
  });

  test('unregisters', async () => {
    const doris = agent('doris');
    await doris.next('registered');
    doris.ua.unregister();
    await doris.next('unregistered');
    assert.deepEqual(await bindings('doris'), []);
  });

  test('unregisters every device of the user with *', async () => {
    const [one, two] = [agent('edith'), agent('edith')];
    await Promise.all([one.next('registered'), two.next('registered')]);
    assert.equal((await bindings('edith')).length, 2);
    one.ua.unregister({ all: true });
    await one.next('unregistered');
    assert.deepEqual(await bindings('edith'), []);
  });

  test('stopping leaves nothing behind', async () => {
    const frida = agent('frida');
    await frida.next('registered');
    frida.ua.stop();
    await until('the binding is gone', async () => (await bindings('frida')).length === 0);
  });

  test('a lost connection is waited for; the next one takes its place', async () => {
    const gerda = agent('gerda');
    await gerda.next('registered');
    gerda.socket.ws.terminate();
    await gerda.next('disconnected');
    assert.equal((await bindings('gerda')).length, 1);
    await gerda.next('registered');
    assert.equal((await bindings('gerda')).length, 1);
  });

  test('the same instance on a new connection replaces the flow of the old one', async () => {
    const instance_id = randomUUID();
    const first = agent('hanna', { instance_id });
    await first.next('registered');
    const second = agent('hanna', { instance_id });
    await second.next('registered');
    const contacts = await bindings('hanna');
    assert.equal(contacts.length, 1);
    assert.ok(contacts[0].includes(second.ua.contact.uri.host) && contacts[0].includes(second.ua.contact.uri.user), contacts[0]);
    const other = agent('ida');
    await other.next('registered');
    other.ua.sendMessage(`sip:hanna@${domain}`, 'which one?');
    assert.equal(await second.messages.next(text => text === 'which one?'), 'which one?');
    assert.equal(first.messages.items.length, 0);
  });

  test('messages between two of them are delivered and answered', async () => {
    const [jana, karla] = [agent('jana'), agent('karla')];
    await Promise.all([jana.next('registered'), karla.next('registered')]);
    for (const [from, to] of [[jana, karla], [karla, jana]]) {
      const text = `Hallo ${to.user}, wie geht’s? 😀`;
      const answered = new Promise((resolve, reject) => from.ua.sendMessage(`sip:${to.user}@${domain}`, text, { eventHandlers: { succeeded: resolve, failed: reject } }));
      assert.equal(await to.messages.next(), text);
      await answered;
    }
  });

  test('an answered REGISTER lists each contact with its own time', async () => {
    const client = await RawSip.open(daemon.url);
    const callId = 'two-contacts';
    const answer = await client.register('lena', domain, {
      callId,
      contact: `<sip:a@${client.host};transport=ws>;expires=1000, <sip:b@${client.host};transport=ws>;expires=2000;q=0.5`,
    });
    assert.equal(statusOf(answer), 200);
    const contacts = contactsOf(answer);
    assert.equal(contacts.length, 2);
    for (const contact of contacts) assert.match(contact, /;expires=\d+/);
    const times = contacts.map(contact => Number(/;expires=(\d+)/.exec(contact)[1]));
    assert.ok(times[0] !== times[1], contacts.join(' | '));
    assert.equal(statusOf(await client.register('lena', domain, { callId, cseq: 2, contact: '*', expires: 0 })), 200);
    assert.deepEqual(await client.bindings('lena', domain), []);
    assert.equal(statusOf(await client.register('lena', domain, { contact: '*', expires: 60 })), 400);
    await client.close();
  });
});
