// Logging in as clients do it: JsSIP and SIP.js with right and wrong passwords (they read the last challenge and know MD5), and
// `ws` with what a page or an application shows in the handshake: a token in the query or a cookie, Bearer, Basic.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import JsSIP from 'jssip';
import { Registerer, UserAgent } from 'sip.js';
import WebSocket from 'ws';
import { binary, Inbox, startDaemon } from './daemon.mjs';

globalThis.WebSocket = WebSocket;

const domain = 'example.org';
const secret = 'this secret has more than 32 bytes';
const folder = mkdtempSync(path.join(tmpdir(), 'sipwsd-auth-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const users = path.join(folder, 'users');
const key = path.join(folder, 'key');
const sipwsctl = path.join(path.dirname(binary), 'sipwsctl');

const part = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
function token(claims, { header = { alg: 'HS256', typ: 'JWT' }, by = secret } = {}) {
  const input = `${part(header)}.${part({ exp: Math.floor(Date.now() / 1000) + 60, ...claims })}`;
  return `${input}.${createHmac('sha256', by).update(input).digest('base64url')}`;
}

before(() => {
  for (const user of ['alice', 'bob']) execFileSync(sipwsctl, ['user', 'add', `${user}@${domain}`, '--file', users], { input: 'secret\n', stdio: ['pipe', 'ignore', 'ignore'] });
  writeFileSync(key, secret);
});

class JsSipSocket {
  constructor(url, options = {}) {
    Object.assign(this, { url, options, via_transport: 'WS', sip_uri: 'sip:invalid.invalid;transport=ws', sent: [] });
  }
  connect() {
    const ws = (this.ws = new WebSocket(this.url, 'sip', this.options));
    ws.on('open', () => this.onconnect());
    ws.on('message', (data, isBinary) => this.ondata(isBinary ? data : data.toString()));
    ws.on('close', (code, reason) => { if (this.ws === ws) this.ondisconnect(code !== 1000, code, reason.toString()); });
    ws.on('error', () => {});
  }
  disconnect() { this.ws?.close(1000); this.ws = null; }
  send(message) { this.sent.push(message); this.ws.send(message); return true; }
  isConnected() { return this.ws?.readyState === WebSocket.OPEN; }
  isConnecting() { return this.ws?.readyState === WebSocket.CONNECTING; }
}

const agents = [];
function jssip(url, user, options = {}) {
  const { socket = {}, ...configuration } = options;
  const one = { socket: new JsSipSocket(url, socket), events: new Inbox(`event of ${user}`), messages: new Inbox(`MESSAGE for ${user}`) };
  one.ua = new JsSIP.UA({ sockets: [one.socket], uri: `sip:${user}@${domain}`, ...configuration });
  for (const event of ['registered', 'registrationFailed', 'disconnected']) one.ua.on(event, data => one.events.put({ event, ...data }));
  one.ua.on('newMessage', ({ originator, request }) => { if (originator === 'remote') one.messages.put(request.body); });
  one.ua.start();
  agents.push(one);
  return one;
}
const registers = one => one.socket.sent.filter(message => message.startsWith('REGISTER')).length;

async function sipjs(url, user, options = {}) {
  const agent = new UserAgent({ uri: UserAgent.makeURI(`sip:${user}@${domain}`), transportOptions: { server: url, traceSip: false }, authorizationUsername: user, logLevel: 'error', logBuiltinEnabled: false, ...options });
  await agent.start();
  agents.push({ ua: agent });
  const registerer = new Registerer(agent);
  return new Promise((resolve, reject) => {
    const answered = ({ message }) => resolve(message.statusCode);
    registerer.register({ requestDelegate: { onAccept: answered, onReject: answered } }).catch(reject);
  });
}

describe('digest', () => {
  let daemon;
  before(async () => { daemon = await startDaemon({ args: ['--auth-mode', 'digest', '--auth-file', users, '--alias', domain] }); });
  after(async () => { for (const { ua } of agents.splice(0)) await ua.stop(); await daemon?.stop(); });

  test('JsSIP registers with the right password, with one challenge', async () => {
    const alice = jssip(daemon.url, 'alice', { password: 'secret' });
    assert.equal((await alice.events.next()).event, 'registered');
    assert.equal(registers(alice), 2);
  });

  test('JsSIP gives up with a wrong one', async () => {
    const alice = jssip(daemon.url, 'alice', { password: 'guess' });
    const { event, cause } = await alice.events.next();
    assert.deepEqual([event, cause], ['registrationFailed', 'Authentication Error']);
    assert.equal(registers(alice), 2);
  });

  test('SIP.js registers with the right password, and is told 401 with a wrong one', async () => {
    assert.equal(await sipjs(daemon.url, 'bob', { authorizationPassword: 'secret' }), 200);
    assert.equal(await sipjs(daemon.url, 'bob', { authorizationPassword: 'guess' }), 401);
  });

  test('a MESSAGE is asked for the password too, and does not take it along', async () => {
    const [from, to] = [jssip(daemon.url, 'alice', { password: 'secret' }), jssip(daemon.url, 'bob', { password: 'secret' })];
    await Promise.all([from, to].map(one => one.events.next(({ event }) => event === 'registered')));
    let seen;
    to.ua.on('newMessage', ({ request }) => { seen = request.getHeader('Proxy-Authorization'); });
    from.ua.sendMessage(`sip:bob@${domain}`, 'hello');
    assert.equal(await to.messages.next(), 'hello');
    assert.equal(seen, undefined);
    assert.ok(from.socket.sent.some(message => message.startsWith('MESSAGE') && message.includes('Proxy-Authorization')));
  });
});

describe('the handshake', () => {
  let daemon;
  before(async () => {
    daemon = await startDaemon({
      tls: true,
      args: ['--auth-mode', 'handshake', '--ws-auth', 'jwt,basic', '--auth-file', users, '--alias', domain, '--jwt-key', key,
        '--jwt-cookie', 'session', '--allowed-origins', 'https://phone.example.org'],
    });
  });
  after(async () => { for (const { ua } of agents.splice(0)) await ua.stop(); await daemon?.stop(); });

  // 101, or the status it was refused with.
  async function status(url, options = {}) {
    const socket = new WebSocket(url, 'sip', { ca: daemon.certificate, ...options });
    const [given] = await Promise.race([
      once(socket, 'open').then(() => [101]),
      once(socket, 'unexpected-response').then(([, response]) => [response.statusCode]),
    ]);
    socket.on('error', () => {});
    socket.terminate();
    return given;
  }
  const page = { origin: 'https://phone.example.org' };

  test('takes a token from the query, the header and the cookie', async () => {
    const good = token({ sub: 'alice' });
    assert.equal(await status(`${daemon.url}?access_token=${good}`), 101);
    assert.equal(await status(daemon.url, { headers: { Authorization: `Bearer ${good}` } }), 101);
    assert.equal(await status(daemon.url, { ...page, headers: { Cookie: `session=${good}` } }), 101);
  });

  test('asks who has none, or a bad one', async () => {
    for (const bad of ['', token({ sub: 'alice', exp: 1 }), token({ sub: 'alice' }, { by: 'x'.repeat(32) }), token({ sub: 'alice' }, { header: { alg: 'none' } })])
      assert.equal(await status(`${daemon.url}?access_token=${bad}`), 401, bad);
  });

  test('takes a cookie from its own page only', async () => {
    const headers = { Cookie: `session=${token({ sub: 'alice' })}` };
    assert.equal(await status(daemon.url, { origin: 'https://evil.example.net', headers }), 403);
  });

  test('takes Basic over TLS only', async () => {
    const auth = 'alice:secret';
    assert.equal(await status(daemon.secureUrl, { auth }), 101);
    assert.equal(await status(daemon.secureUrl, { auth: 'alice:guess' }), 401);
    assert.equal(await status(daemon.url, { auth }), 401);
  });

  test('spares JsSIP and SIP.js the challenge, and lets nobody be another one', async () => {
    const alice = jssip(`${daemon.url}?access_token=${token({ sub: 'alice' })}`, 'alice');
    assert.equal((await alice.events.next()).event, 'registered');
    assert.equal(registers(alice), 1);
    assert.equal(await sipjs(`${daemon.url}?access_token=${token({ sub: `sip:bob@${domain}` })}`, 'bob'), 200);
    assert.equal(await sipjs(`${daemon.url}?access_token=${token({ sub: 'alice' })}`, 'bob'), 403);
  });

  test('writes no token into the log', () => {
    assert.ok(!daemon.log.includes('eyJ'), daemon.log);
  });
});
