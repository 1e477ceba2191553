// The same over TLS: ws and a bare TLS socket of Node.js, JsSIP in Chromium on a page that came over https, and calls
// between those who came over wss and those who did not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import WebSocket from 'ws';
import { Phone, startBrowser } from './browser.mjs';
import { Inbox, startDaemon, until } from './daemon.mjs';
import { RawSip, statusOf } from './raw_sip.mjs';

async function connect(daemon, options = {}) {
  const socket = new WebSocket(daemon.secureUrl, 'sip', { ca: daemon.certificate, ...options });
  socket.inbox = new Inbox('message');
  socket.on('message', data => socket.inbox.put(data));
  socket.closed = new Promise(resolve => socket.on('close', code => resolve(code)));
  await once(socket, 'open');
  return socket;
}

describe('an echo connection over TLS', () => {
  let daemon;
  before(async () => { daemon = await startDaemon({ args: ['--stage', 'echo'], tls: true, workers: 3 }); });
  after(() => daemon?.stop());

  test('is verified and returns what it gets, of every size', async () => {
    const socket = await connect(daemon);
    for (const size of [0, 1, 125, 126, 16383, 16384, 16385, 65536, 256 * 1024]) {
      const bytes = Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz012345');
      socket.send(bytes);
      assert.ok((await socket.inbox.next()).equals(bytes), `${size} bytes`);
    }
    socket.close(1000);
    assert.equal(await socket.closed, 1000);
  });

  test('is not to be had without trusting the certificate', async () => {
    await assert.rejects(connect(daemon, { ca: [] }), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });

  test('is not to be had with TLS 1.1', async () => {
    await assert.rejects(connect(daemon, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), /protocol version/);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`is resumed with ${version}, whichever worker answers`, async () => {
      const options = { ca: daemon.certificate, minVersion: version, maxVersion: version };
      const sessions = new Inbox('session');
      const first = await connect(daemon, { createConnection: ({ port }) => tls.connect({ host: '127.0.0.1', port, ...options }).on('session', one => sessions.put(one)) });
      first.send('now the tickets have come');
      await first.inbox.next();
      const session = await sessions.next();
      first.close();
      for (let i = 0; i < 30; i += 1) {
        let socket;
        const again = await connect(daemon, { createConnection: ({ port }) => (socket = tls.connect({ host: '127.0.0.1', port, session, ...options })) });
        assert.equal(socket.isSessionReused(), true, `try ${i}`);
        again.close();
        await again.closed;
      }
    });
  }

  test('is told 1001 when the daemon ends', async () => {
    const own = await startDaemon({ args: ['--stage', 'echo'], tls: true });
    const ones = await Promise.all(Array.from({ length: 10 }, () => connect(own)));
    const [end] = await Promise.all([own.stop(), ...ones.map(one => one.closed)]);
    for (const one of ones) assert.equal(await one.closed, 1001);
    assert.deepEqual(end, { code: 0, signal: null });
  });
});

describe('SIP over TLS', () => {
  const domain = '127.0.0.1';
  let daemon;
  before(async () => { daemon = await startDaemon({ args: ['--demo'], tls: true }); });
  after(() => daemon?.stop());

  test('a request from ws reaches one who registered over wss, and the answer comes back', async () => {
    const [plain, secure] = await Promise.all([RawSip.open(daemon.url), RawSip.open(daemon.secureUrl, { ca: daemon.certificate })]);
    assert.equal(statusOf(await secure.register('selma', domain)), 200);
    assert.equal(statusOf(await plain.register('paul', domain)), 200);
    for (const [from, to, user, via] of [[plain, secure, 'selma', 'WSS'], [secure, plain, 'paul', 'WS']]) {
      const answer = from.ask('MESSAGE', `sip:${user}@${domain}`, { user: user === 'paul' ? 'selma' : 'paul', domain, to: `<sip:${user}@${domain}>`, headers: ['Content-Type: text/plain'], body: 'Hallo' });
      const arrived = await to.inbox.next(text => text.startsWith('MESSAGE'));
      const [topmost] = arrived.match(/^Via:.*$/gim);
      assert.match(topmost, new RegExp(`SIP/2\\.0/${via} `), topmost);
      const copied = arrived.split('\r\n').filter(line => /^(Via|From|To|Call-ID|CSeq):/i.test(line));
      to.send(['SIP/2.0 200 OK', ...copied.map(line => line.startsWith('To:') ? `${line};tag=x` : line), 'Content-Length: 0', '', ''].join('\r\n'));
      assert.equal(statusOf(await answer), 200);
    }
    await Promise.all([plain.close(), secure.close()]);
  });

  test('JsSIP in Chromium registers over wss and has a call with one over wss and with one over ws', async () => {
    const browser = await startBrowser(['--ignore-certificate-errors']);
    try {
      const open = async (name, address) => Phone.open(await browser.newContext({ ignoreHTTPSErrors: true }), daemon, name, address);
      const [alice, bob, carol] = await Promise.all([open('alice', daemon.securePage), open('bob', daemon.securePage), open('carol', daemon.page)]);
      const schemes = await Promise.all([alice, carol].map(phone => phone.page.evaluate(() => location.protocol)));
      assert.deepEqual(schemes, ['https:', 'http:']);
      for (const [caller, callee] of [[alice, bob], [bob, carol], [carol, alice]]) {
        await caller.call(callee.name);
        await callee.phase('incoming');
        await callee.press('answer');
        await Promise.all([caller.phase('active'), callee.phase('active')]);
        for (const phone of [caller, callee]) {
          await until(`audio at ${phone.name}`, async () => {
            const bytes = await phone.audioBytes();
            return bytes.sent > 0 && bytes.received > 0;
          }, { within: 10000 });
        }
        await caller.press('hangup');
        await Promise.all([caller.dismiss(), callee.dismiss()]);
      }
      for (const phone of [alice, bob, carol]) assert.deepEqual(phone.complaints, []);
    } finally {
      await browser.close();
    }
  });
});
