// The WebSocket layer as the npm package `ws` and a bare socket see it: handshakes, pings, fragments, sizes, closing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { Inbox, startDaemon } from './daemon.mjs';
import { RawSip, contactsOf, statusOf } from './raw_sip.mjs';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';  // RFC 6455 1.3
const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': key, 'Sec-WebSocket-Version': '13' };

// One request; the answer's head, whatever it is.
function ask(daemon, headers, { method = 'GET', path = '/' } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port: daemon.port, method, path, headers, agent: false });
    request.on('upgrade', (answer, socket) => { socket.destroy(); resolve(answer); });
    request.on('response', answer => { answer.resume(); resolve(answer); });
    request.on('error', reject);
    request.end();
  });
}

async function connect(daemon, protocols = 'sip', options = {}) {
  const socket = new WebSocket(daemon.url, protocols, options);
  socket.inbox = new Inbox('message');
  socket.pongs = new Inbox('pong');
  socket.on('message', (data, isBinary) => socket.inbox.put({ text: isBinary ? null : data.toString(), data }));
  socket.on('pong', data => socket.pongs.put(data.toString()));
  socket.closed = new Promise(resolve => socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
  socket.on('error', error => { socket.trouble = error; });
  await once(socket, 'open');
  return socket;
}

describe('a handshake', () => {
  let daemon;
  before(async () => { daemon = await startDaemon({ args: ['--demo'] }); });
  after(() => daemon?.stop());

  test('with sip is accepted, and nothing is promised that was not asked for', async () => {
    const answer = await ask(daemon, { ...upgrade, 'Sec-WebSocket-Protocol': 'sip' });
    assert.equal(answer.statusCode, 101);
    assert.equal(answer.headers['sec-websocket-accept'], accept);
    assert.equal(answer.headers['sec-websocket-protocol'], 'sip');
    assert.equal(answer.headers['content-length'], undefined);
    assert.equal(answer.headers.via, undefined);
  });

  test('that offers an extension gets none', async () => {
    const answer = await ask(daemon, { ...upgrade, 'Sec-WebSocket-Protocol': 'sip', 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' });
    assert.equal(answer.statusCode, 101);
    assert.equal(answer.headers['sec-websocket-extensions'], undefined);
    const socket = await connect(daemon, 'sip', { perMessageDeflate: true });
    assert.equal(socket.extensions, '');
    socket.close();
    await socket.closed;
  });

  for (const [what, offered] of [['after another', 'chat, sip'], ['before another', 'sip,superchat'], ['with msrp', 'msrp, sip']]) {
    test(`that offers sip ${what} gets exactly sip`, async () => {
      const answer = await ask(daemon, { ...upgrade, 'Sec-WebSocket-Protocol': offered });
      assert.equal(answer.statusCode, 101);
      assert.equal(answer.headers['sec-websocket-protocol'], 'sip');
    });
  }

  for (const [what, path] of [['a path', '/some/where'], ['a query', '/?token=1&x=%20']]) {
    test(`to ${what} is accepted`, async () => {
      assert.equal((await ask(daemon, { ...upgrade, 'Sec-WebSocket-Protocol': 'sip' }, { path })).statusCode, 101);
    });
  }

  test('with a list in Connection is accepted', async () => {
    assert.equal((await ask(daemon, { ...upgrade, Connection: 'keep-alive, Upgrade', 'Sec-WebSocket-Protocol': 'sip' })).statusCode, 101);
  });

  const refused = [
    ['without a sub-protocol', {}, 400],
    ['with an unknown sub-protocol', { 'Sec-WebSocket-Protocol': 'chat' }, 400],
    ['with a sub-protocol that only begins like sip', { 'Sec-WebSocket-Protocol': 'sipfoo' }, 400],
    ['with a short key', { 'Sec-WebSocket-Protocol': 'sip', 'Sec-WebSocket-Key': 'AAAA' }, 400],
    ['with a key that is not base64', { 'Sec-WebSocket-Protocol': 'sip', 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }, 400],
    ['with two keys', { 'Sec-WebSocket-Protocol': 'sip', 'Sec-WebSocket-Key': [key, key] }, 400],
    ['of an old version', { 'Sec-WebSocket-Protocol': 'sip', 'Sec-WebSocket-Version': '8' }, 426],
    ['with a head of 200 KB', { 'Sec-WebSocket-Protocol': 'sip', 'X-Long': 'x'.repeat(200000) }, 431],
  ];
  for (const [what, headers, status] of refused) {
    test(`${what} is refused with ${status}`, async () => {
      const answer = await ask(daemon, { ...upgrade, ...headers });
      assert.equal(answer.statusCode, status);
      if (status === 426) assert.equal(answer.headers['sec-websocket-version'], '13');
    });
  }

  test('by another method is refused with 405, and one that announces a body with 400', async () => {
    const asked = { ...upgrade, 'Sec-WebSocket-Protocol': 'sip' };
    const answer = await ask(daemon, asked, { method: 'DELETE' });
    assert.equal(answer.statusCode, 405);
    assert.match(answer.headers.allow, /GET/);
    assert.equal((await ask(daemon, { ...asked, 'Content-Length': 0 }, { method: 'POST' })).statusCode, 400);
  });

  test('with an Origin is accepted, and nothing is said about it without cors_mode', async () => {
    const answer = await ask(daemon, { ...upgrade, 'Sec-WebSocket-Protocol': 'sip', Origin: daemon.page.slice(0, -1) });
    assert.equal(answer.statusCode, 101);
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  });

  test('dribbled byte by byte works, and so do frames in the same segment', async () => {
    const head = `GET / HTTP/1.1\r\nHost: ${daemon.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n`;
    const ping = Buffer.from([0x89, 0x82, 0, 0, 0, 0, 0x68, 0x69]);  // masked with zeros: "hi"
    for (const dribble of [true, false]) {
      const socket = net.connect(daemon.port, '127.0.0.1');
      socket.setNoDelay(true);
      await once(socket, 'connect');
      let got = Buffer.alloc(0);
      const pong = new Promise((resolve, reject) => {
        socket.on('data', data => {
          got = Buffer.concat([got, data]);
          if (got.includes(Buffer.from([0x8a, 0x02, 0x68, 0x69]))) resolve();
        });
        socket.on('close', () => reject(new Error(`closed after ${got.toString('latin1')}`)));
      });
      if (dribble) {
        for (const byte of Buffer.concat([Buffer.from(head), ping])) {
          socket.write(Buffer.of(byte));
          await new Promise(setImmediate);
        }
      } else {
        socket.write(Buffer.concat([Buffer.from(head), ping]));
      }
      await pong;
      assert.match(got.toString('latin1'), /^HTTP\/1\.1 101 /);
      socket.removeAllListeners('close');
      socket.destroy();
    }
  });
});

describe('the demo over HTTP', () => {
  let daemon;
  before(async () => { daemon = await startDaemon({ args: ['--demo'] }); });
  after(() => daemon?.stop());

  test('serves its page and what it names, with a policy that allows nothing else', async () => {
    const page = await fetch(daemon.page);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-type'), /^text\/html/);
    assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
    const html = await page.text();
    const named = [...html.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, path]) => path);
    assert.ok(named.includes('/jssip.js') && named.includes('/demo_page.css'));
    for (const path of named) {
      const answer = await fetch(new URL(path, daemon.page));
      assert.equal(answer.status, 200, path);
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', path);
      assert.ok((await answer.arrayBuffer()).byteLength > 100, path);
    }
  });

  test('answers who is online, and nothing else', async () => {
    const { domain, version } = await (await fetch(`${daemon.page}demo.json`)).json();
    assert.ok(domain && version);
    assert.deepEqual(await (await fetch(`${daemon.page}demo/online.json`)).json(), { online: [] });
    const client = await RawSip.open(daemon.url);
    assert.equal(statusOf(await client.register('paula', domain)), 200);
    assert.deepEqual(await (await fetch(`${daemon.page}demo/online.json`)).json(), { online: ['paula'] });
    await client.close();
    for (const path of ['/nothing', '/etc/passwd', '/../etc/passwd', '/demo_page.js/']) assert.equal((await ask(daemon, {}, { path })).statusCode, 404, path);
  });
});

describe('an echo connection', () => {
  let daemon, socket;
  before(async () => {
    daemon = await startDaemon({ args: ['--stage', 'echo'] });
    socket = await connect(daemon);
  });
  after(async () => {
    socket?.terminate();
    await daemon?.stop();
  });
  const echoed = async () => socket.inbox.next();

  test('works without a sub-protocol too', async () => {
    const plain = await connect(daemon, []);
    assert.equal(plain.protocol, '');
    plain.send('hello');
    assert.equal((await plain.inbox.next()).text, 'hello');
    plain.close();
    await plain.closed;
  });

  test('returns text as text and bytes as bytes', async () => {
    socket.send('Grüße 你好 😀');
    assert.equal((await echoed()).text, 'Grüße 你好 😀');
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    socket.send(bytes);
    const back = await echoed();
    assert.equal(back.text, null);
    assert.deepEqual(back.data, bytes);
    socket.send('');
    assert.equal((await echoed()).text, '');
  });

  for (const size of [125, 126, 127, 65535, 65536, 100 * 1024, 256 * 1024]) {
    test(`returns a message of ${size} bytes`, async () => {
      const bytes = Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz012345');
      socket.send(bytes);
      assert.ok((await echoed()).data.equals(bytes));
      socket.send(bytes.toString());
      assert.equal((await echoed()).text, bytes.toString());
    });
  }

  test('puts fragments together, with pings between them', async () => {
    const parts = ['one ', 'zwei ä', ' three', ''];
    parts.forEach((part, i) => {
      socket.send(part, { fin: i === parts.length - 1 });
      socket.ping(`between ${i}`);
    });
    assert.equal((await echoed()).text, parts.join(''));
    for (let i = 0; i < parts.length; i += 1) assert.equal(await socket.pongs.next(), `between ${i}`);
  });

  test('lets a character be split between fragments', async () => {
    const bytes = Buffer.from('😀');
    for (let at = 1; at < bytes.length; at += 1) {
      socket.send(bytes.subarray(0, at), { binary: false, fin: false });
      socket.send(bytes.subarray(at), { binary: false, fin: true });
      assert.equal((await echoed()).text, '😀');
    }
  });

  test('answers a ping with its payload', async () => {
    for (const payload of ['', 'x', 'p'.repeat(125)]) {
      socket.ping(payload);
      assert.equal(await socket.pongs.next(), payload);
    }
    socket.pong('unasked');
    socket.send('still here');
    assert.equal((await echoed()).text, 'still here');
  });

  test('keeps the order of a thousand messages', async () => {
    for (let i = 0; i < 1000; i += 1) socket.send(String(i));
    for (let i = 0; i < 1000; i += 1) assert.equal((await echoed()).text, String(i));
  });

  for (const code of [1000, 1001, 1003, 1007, 1008, 1011, 3000, 4999]) {
    test(`echoes close code ${code}`, async () => {
      const one = await connect(daemon);
      one.close(code, 'that is all');
      assert.equal((await one.closed).code, code);
      assert.equal(one.trouble, undefined);
    });
  }

  test('answers a close without a code by one without a code', async () => {
    const one = await connect(daemon);
    one.close();
    assert.equal((await one.closed).code, 1005);
  });

  test('refuses a message above the limit with 1009, before it is sent', async () => {
    const one = await connect(daemon);
    const header = Buffer.alloc(14);
    header.set([0x82, 0xff]);
    header.writeBigUInt64BE(BigInt(256 * 1024 + 1), 2);
    one._socket.write(header);
    assert.equal((await one.closed).code, 1009);
  });

  const violations = [
    ['an unmasked frame', [0x81, 0x01, 0x61], 1002],
    ['a reserved bit', [0xc1, 0x81, 0, 0, 0, 0, 0x61], 1002],
    ['a reserved opcode', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['a continuation of nothing', [0x80, 0x80, 0, 0, 0, 0], 1002],
    ['a fragmented ping', [0x09, 0x80, 0, 0, 0, 0], 1002],
    ['a ping of 126 bytes', [0x89, 0xfe, 0, 126, 0, 0, 0, 0, ...Array(126).fill(0)], 1002],
    ['a text that is not UTF-8', [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007],
    ['a close code that nobody may send', [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xee], 1002],
    ['a close payload of one byte', [0x88, 0x81, 0, 0, 0, 0, 0x03], 1002],
  ];
  for (const [what, frame, code] of violations) {
    test(`answers ${what} with ${code}`, async () => {
      const one = await connect(daemon);
      one._socket.write(Buffer.from(frame));
      assert.equal((await one.closed).code, code);
    });
  }

  test('is told 1001 when the daemon ends', async () => {
    const own = await startDaemon({ args: ['--stage', 'echo'] });
    const ones = await Promise.all(Array.from({ length: 10 }, () => connect(own)));
    const [end] = await Promise.all([own.stop(), ...ones.map(one => one.closed)]);
    for (const one of ones) assert.equal((await one.closed).code, 1001);
    assert.deepEqual(end, { code: 0, signal: null });
  });
});

describe('a SIP connection', () => {
  let daemon;
  const domain = '127.0.0.1';
  before(async () => { daemon = await startDaemon({ args: ['--demo'] }); });
  after(() => daemon?.stop());

  test('answers the double CRLF keepalive with one CRLF', async () => {
    const client = await RawSip.open(daemon.url);
    client.send('\r\n\r\n');
    assert.equal(await client.inbox.next(), '\r\n');
    await client.close();
  });

  test('takes a request in a binary frame as well', async () => {
    const client = await RawSip.open(daemon.url);
    client.socket.send(Buffer.from(client.request('OPTIONS', `sip:${domain}`, { user: 'olga', domain, to: `<sip:${domain}>` })));
    assert.equal(statusOf(await client.inbox.next()), 200);
    await client.close();
  });

  test('survives one bad message', async () => {
    const client = await RawSip.open(daemon.url);
    for (const bad of ['garbage', 'INVITE sip:x SIP/2.0\r\n\r\n', '\0\0\0', 'SIP/2.0 200 OK\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\n\r\n']) client.send(bad);
    assert.equal(statusOf(await client.ask('OPTIONS', `sip:${domain}`, { user: 'olga', domain, to: `<sip:${domain}>` })), 200);
    await client.close();
  });

  test('gives the sent-by back as it was, with received beside it', async () => {
    const client = await RawSip.open(daemon.url);
    const answer = await client.register('rita', domain);
    const [via, ...more] = answer.match(/^Via:.*$/gim);
    assert.equal(more.length, 0);
    assert.ok(via.includes(`SIP/2.0/WS ${client.host};`), via);
    await client.close();
  });

  test('keeps ACK and the request right behind it in order', async () => {
    const [caller, callee] = await Promise.all([RawSip.open(daemon.url), RawSip.open(daemon.url)]);
    assert.equal(statusOf(await callee.register('theo', domain)), 200);
    const header = (text, name) => text.split('\r\n').filter(line => line.startsWith(`${name}:`));
    const callId = 'order';
    const dialog = { user: 'ute', domain, callId, headers: [`Contact: <sip:ute@${caller.host};transport=ws>`] };
    const invite = caller.request('INVITE', `sip:theo@${domain}`, { ...dialog, to: `<sip:theo@${domain}>` });
    caller.send(invite);
    const atCallee = await callee.inbox.next(text => text.startsWith('INVITE'));
    const copied = ['Via', 'Record-Route', 'From', 'Call-ID', 'CSeq'].flatMap(name => header(atCallee, name));
    callee.send(['SIP/2.0 200 OK', ...copied, `To: <sip:theo@${domain}>;tag=callee`, `Contact: <sip:theo@${callee.host};transport=ws>`, 'Content-Length: 0', '', ''].join('\r\n'));
    const answer = await caller.inbox.next(text => text.startsWith('SIP/2.0 200'));
    const routes = header(answer, 'Record-Route').reverse().map(line => line.replace('Record-', ''));
    assert.ok(routes.length > 0);
    const [from] = header(invite, 'From');
    const inside = (method, cseq) => caller.request(method, `sip:theo@${callee.host};transport=ws`, {
      ...dialog, cseq, to: `<sip:theo@${domain}>;tag=callee`, headers: [...routes, ...dialog.headers],
    }).replace(/^From: .*$/m, from);
    caller.send(inside('ACK', 1));
    for (let cseq = 2; cseq < 60; cseq += 2) {
      caller.send(inside('INFO', cseq));
      caller.send(inside('ACK', 1));
      caller.send(inside('UPDATE', cseq + 1));
    }
    const got = [];
    const wanted = ['1 ACK'];
    for (let cseq = 2; cseq < 60; cseq += 2) wanted.push(`${cseq} INFO`, '1 ACK', `${cseq + 1} UPDATE`);
    while (got.length < wanted.length) got.push(/^CSeq: (.*)$/m.exec(await callee.inbox.next(text => /^(ACK|INFO|UPDATE) /.test(text)))[1].trim());
    assert.deepEqual(got, wanted);
    await Promise.all([caller.close(), callee.close()]);
  });

  test('takes its bindings with it when it is closed, and is waited for when it breaks', async () => {
    const watcher = await RawSip.open(daemon.url);
    for (const leave of [client => client.close(1000), client => client.close(1001)]) {
      const client = await RawSip.open(daemon.url);
      assert.equal(contactsOf(await client.register('sven', domain)).length, 1);
      assert.equal((await watcher.bindings('sven', domain)).length, 1);
      await leave(client);
      const end = Date.now() + 2000;
      while ((await watcher.bindings('sven', domain)).length > 0) assert.ok(Date.now() < end, 'the binding is still there');
    }
    const client = await RawSip.open(daemon.url);
    await client.register('sven', domain);
    client.socket.terminate();
    await client.closed;
    assert.equal((await watcher.bindings('sven', domain)).length, 1, 'it is expected back');
    await watcher.close();
  });
});
