// The daemon behind real proxies, the example configurations first: where it sees its clients, and whom it believes.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { binary, startDaemon, until } from './daemon.mjs';
import { certificate, example, scratch, startHaproxy, startNginx } from './proxies.mjs';
import { RawSip, statusOf } from './raw_sip.mjs';

const client = '127.0.0.42';  // proxies come from 127.0.0.1
const name = 'sip.example.com';
const hasIpv6 = Object.values(networkInterfaces()).flat().some(one => one.address === '::1');
const files = certificate(scratch(), name);
const trusted = ['--trusted-proxies', '127.0.0.1/32'];
const sipwsctl = path.join(path.dirname(binary), 'sipwsctl');

async function ask(daemon, ...command) {
  const { stdout } = await promisify(execFile)(sipwsctl, ['--fifo', daemon.fifo, ...command]);
  return stdout;
}
// "ws:127.0.0.42:40123", as ws.dump shows the other side of each connection.
const peersOf = async daemon => [...(await ask(daemon, 'ws.dump')).matchAll(/^\d+: (\S+) -> /gm)].map(match => match[1]);
const statistic = async (daemon, which) => Number(/= (\d+)/.exec(await ask(daemon, 'get_statistics', which))[1]);

const open = (url, options = {}) => RawSip.open(url, { localAddress: client, servername: name, rejectUnauthorized: false, ...options });
const portOf = raw => raw.socket._socket.localPort;
// What the server answers to a request that is not let in.
function refusal(url, options = {}) {
  return new Promise((resolve, reject) => {
    open(url, options).then(raw => { raw.close(); reject(new Error('it was let in')); }, error => {
      const status = /Unexpected server response: (\d+)/.exec(error.message);
      if (status) resolve(Number(status[1])); else reject(error);
    });
  });
}

// Registers, calls nobody, and leaves: the whole way there and back.
async function registers(raw, user) {
  const answer = await raw.register(user, '127.0.0.1');
  assert.equal(statusOf(answer), 200, answer);
  assert.match(answer, new RegExp(`^Contact: <sip:${user}@${raw.host}`, 'm'));
}

// Every way in is tried with one client: seen where it is, registered, and gone from the table when it leaves.
async function checkWay(daemon, url, { scheme = 'ws', exactPort = false, ...options } = {}) {
  const raw = await open(url, options);
  const [peer, ...others] = await peersOf(daemon);
  assert.deepEqual(others, []);
  assert.match(peer, new RegExp(`^${scheme}:${client.replaceAll('.', '\\.')}:\\d+$`));
  if (exactPort) assert.equal(peer, `${scheme}:${client}:${portOf(raw)}`);
  await registers(raw, 'alice');
  const ping = once(raw.socket, 'ping');
  assert.match(await ask(daemon, 'ws.ping', /^(\d+): /m.exec(await ask(daemon, 'ws.dump'))[1]), /^200 OK/);
  await ping;
  await until('the Pong is there', async () => !(await ask(daemon, 'ws.dump')).includes('awaiting Pong'));
  await raw.close();
  await until('the connection is gone', async () => (await peersOf(daemon)).length === 0);
  await until('its end is in the log, with the address of the client', () => daemon.log.includes(`${scheme}:${client}:`));
}

const portFrom = (daemon, scheme) => Number(new RegExp(`listening on ${scheme}:127\\.0\\.0\\.1:(\\d+)`).exec(daemon.log)[1]);
const startBoth = options => startDaemon({
  ...options,
  args: ['--listen', 'wss:127.0.0.1:0', '--tls-certificate', files.crt, '--tls-private-key', files.key, '--alias', name, '--alias', '127.0.0.1',
    '--max-connections', '1000', '--log-level', 'info', ...trusted, ...(options?.args ?? [])],
});

describe('behind nginx', () => {
  let daemon, proxy;
  before(async () => {
    daemon = await startBoth();
    proxy = await startNginx(['example', 'plain', 'forwarded', 'v1', 'untouched'], ports => {
      const upgrade = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;';
      const server = (port, headers) => `server { listen 127.0.0.1:${port}; location / { proxy_pass http://${daemon.host}; ${upgrade} ${headers} } }\n`;
      return {
        http: example('nginx-example.conf')
          .replace('listen 443 ', `listen 127.0.0.1:${ports.example} `)
          .replace('/etc/ssl/certs/sip.example.com.pem', files.crt)
          .replace('/etc/ssl/private/sip.example.com.key', files.key)
          .replace('server 127.0.0.1:8080', `server ${daemon.host}`)
          + server(ports.plain, 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;')
          + server(ports.forwarded, 'proxy_set_header Forwarded "for=$remote_addr;proto=$scheme";')
          + server(ports.untouched, ''),
        stream: `server { listen 127.0.0.1:${ports.v1}; proxy_pass 127.0.0.1:${portFrom(daemon, 'wss')}; proxy_protocol on; }`,
      };
    });
  });
  after(async () => { await proxy?.stop(); await daemon?.stop(); });

  test('that ends TLS as the example does, a client is seen where it is', async () => {
    await checkWay(daemon, `wss://127.0.0.1:${proxy.ports.example}/`);
  });
  test('the example lets nothing through that a client says about itself', async () => {
    const headers = { 'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Proto': 'http', Forwarded: 'for=192.0.2.1' };
    await checkWay(daemon, `wss://127.0.0.1:${proxy.ports.example}/`, { headers });
  });
  test('that adds X-Forwarded-For, a client is seen where it is, also one that says something else', async () => {
    await checkWay(daemon, `ws://127.0.0.1:${proxy.ports.plain}/`);
    await checkWay(daemon, `ws://127.0.0.1:${proxy.ports.plain}/`, { headers: { 'X-Forwarded-For': '192.0.2.1, 127.0.0.1' } });
  });
  test('that adds X-Forwarded-For, a client that forges Forwarded refuses itself', async () => {
    assert.equal(await refusal(`ws://127.0.0.1:${proxy.ports.plain}/`, { headers: { Forwarded: 'for=192.0.2.1' } }), 400);
  });
  test('that writes Forwarded, a client is seen where it is', async () => {
    await checkWay(daemon, `ws://127.0.0.1:${proxy.ports.forwarded}/`);
    assert.equal(await refusal(`ws://127.0.0.1:${proxy.ports.forwarded}/`, { headers: { 'X-Forwarded-For': '192.0.2.1' } }), 400);
  });
  test('that says nothing, a client is seen at the proxy', async () => {
    const raw = await open(`ws://127.0.0.1:${proxy.ports.untouched}/`);
    assert.match((await peersOf(daemon)).join(), /^ws:127\.0\.0\.1:\d+$/);
    await raw.close();
  });
  test('that passes TLS on with a PROXY header, a client is seen where it is, port and all', async () => {
    await checkWay(daemon, `wss://127.0.0.1:${proxy.ports.v1}/`, { scheme: 'wss', exactPort: true });
  });
});

describe('behind HAProxy', () => {
  let daemon, proxy;
  before(async () => {
    daemon = await startBoth();
    proxy = await startHaproxy(['ended', 'passed', 'v1', 'v2', 'v2_tls', ...(hasIpv6 ? ['six', 'six_v1'] : [])], ports => {
      const tcp = (port, server, bind = '') => `listen p${port}\n  mode tcp\n  bind 127.0.0.1:${port}${bind}\n  server one ${server}\n`;
      return example('haproxy-example.cfg')
        .replace('bind :443 ', `bind 127.0.0.1:${ports.ended} `)
        .replace('/etc/haproxy/sip.example.com.pem', files.both)
        .replace('127.0.0.1:8080 ', `${daemon.host} `)
        .replace('bind :8443', `bind 127.0.0.1:${ports.passed}`)
        .replace('127.0.0.1:4443 ', `127.0.0.1:${portFrom(daemon, 'wss')} `)
        .replaceAll(' check\n', ' check inter 100ms\n')
        + (!hasIpv6 ? '' : `listen six\n  mode http\n  bind 127.0.0.1:${ports.six}\n  bind [::1]:${ports.six}\n  option forwardfor\n  server one ${daemon.host}\n`
          + tcp(ports.six_v1, `${daemon.host} send-proxy`).replace('bind', `bind [::1]:${ports.six_v1}\n  bind`))
        + tcp(ports.v1, `${daemon.host} send-proxy`)
        + tcp(ports.v2, `${daemon.host} send-proxy-v2 proxy-v2-options crc32c,unique-id`)
        + tcp(ports.v2_tls, `${daemon.host} send-proxy-v2 proxy-v2-options crc32c,ssl,cert-cn,ssl-cipher,authority`, ` ssl crt ${files.both}`);
    });
  });
  after(async () => { await proxy?.stop(); await daemon?.stop(); });

  test('that ends TLS as the example does, a client is seen where it is', async () => {
    await checkWay(daemon, `wss://127.0.0.1:${proxy.ports.ended}/`);
  });
  test('the example lets nothing through that a client says about itself', async () => {
    const headers = { 'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Proto': 'http', Forwarded: 'for=192.0.2.1' };
    await checkWay(daemon, `wss://127.0.0.1:${proxy.ports.ended}/`, { headers });
  });
  test('that passes TLS on as the example does, a client is seen where it is', async () => {
    await checkWay(daemon, `wss://127.0.0.1:${proxy.ports.passed}/`, { scheme: 'wss', exactPort: true });
  });
  for (const [port, scheme] of [['v1', 'ws'], ['v2', 'ws'], ['v2_tls', 'wss']]) {
    test(`that sends ${port} of the PROXY header to a ws socket, a client is seen where it is`, async () => {
      await checkWay(daemon, `${scheme}://127.0.0.1:${proxy.ports[port]}/`, { scheme: 'ws', exactPort: true });
    });
  }
  for (const way of ['six', 'six_v1']) {
    test(`a client with an IPv6 address is seen where it is: ${way}`, { skip: !hasIpv6 }, async () => {
      const raw = await open(`ws://[::1]:${proxy.ports[way]}/`, { localAddress: '::1', headers: { Host: name } });
      assert.match((await peersOf(daemon)).join(), way === 'six' ? /^ws:::1:\d+$/ : new RegExp(`^ws:::1:${portOf(raw)}$`));
      await registers(raw, 'alice');
      await raw.close();
    });
  }
  test('the address in a PROXY header is not overruled by a header of the client', async () => {
    await checkWay(daemon, `ws://127.0.0.1:${proxy.ports.v1}/`, { exactPort: true, headers: { 'X-Forwarded-For': '192.0.2.1', Forwarded: 'for=192.0.2.1' } });
  });
  test('two clients of one proxy reach each other, with 100 kB', async () => {
    const [alice, bob] = await Promise.all([open(`wss://127.0.0.1:${proxy.ports.passed}/`), open(`wss://127.0.0.1:${proxy.ports.ended}/`)]);
    await registers(alice, 'alice');
    await registers(bob, 'bob');
    const text = alice.request('MESSAGE', 'sip:bob@127.0.0.1', { user: 'alice', domain: '127.0.0.1', to: '<sip:bob@127.0.0.1>', body: 'x'.repeat(100_000) });
    alice.send(text);
    const got = await bob.inbox.next(message => message.startsWith('MESSAGE '));
    assert.ok(got.endsWith('x'.repeat(100_000)));
    await Promise.all([alice.close(), bob.close()]);
  });
  test('its checks whether the daemon lives are nothing to worry about, on either side', async () => {
    const passed = await statistic(daemon, 'passive_open');
    await until('twenty more checks', async () => await statistic(daemon, 'passive_open') > passed + 20);
    assert.doesNotMatch(daemon.log, /warning|error|fatal/);
    assert.doesNotMatch(proxy.log, /DOWN/);
  });
});

describe('limits', () => {
  let daemon, proxy;
  before(async () => {
    daemon = await startBoth({ args: ['--max-connections-per-address', '2', '--limits-exempt', '192.0.2.0/24'] });
    proxy = await startHaproxy(['http', 'tcp'], ports => `defaults
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen h
  mode http
  bind 127.0.0.1:${ports.http}
  option forwardfor
  server one ${daemon.host}
listen t
  mode tcp
  bind 127.0.0.1:${ports.tcp}
  server one ${daemon.host} send-proxy-v2
`);
  });
  after(async () => { await proxy?.stop(); await daemon?.stop(); });

  for (const way of ['http', 'tcp']) {
    test(`are counted by the address of the client behind a proxy that speaks ${way}`, async () => {
      const url = `ws://127.0.0.1:${proxy.ports[way]}/`;
      const two = [await open(url), await open(url)];
      assert.equal(await refusal(url), 429);
      const other = await open(url, { localAddress: '127.0.0.43' });
      await Promise.all([...two, other].map(raw => raw.close()));
      await until('all are gone', async () => (await peersOf(daemon)).length === 0);
    });
  }
});

describe('whoever is no trusted proxy', () => {
  let daemon;
  before(async () => { daemon = await startBoth(); });
  after(() => daemon?.stop());

  // Sends bytes from an address; what comes back until the daemon closes.
  async function sends(bytes, { localAddress = client, port = daemon.port } = {}) {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress });
    let text = '';
    socket.on('error', () => {});
    socket.on('data', data => { text += data; });
    await once(socket, 'connect');
    socket.write(bytes);
    const late = setTimeout(() => socket.destroy(new Error('still open')), 8000);
    await once(socket, 'close');
    clearTimeout(late);
    assert.ok(!socket.errored || socket.errored.code === 'ECONNRESET', String(socket.errored));
    return text;
  }
  const request = `GET / HTTP/1.1\r\nHost: ${name}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n';
  const binaryHeader = Buffer.from('0d0a0d0a000d0a515549540a2111000cc00002017f00000199990050', 'hex');

  test('cannot choose its address by X-Forwarded-For or Forwarded', async () => {
    const raw = await open(daemon.url, { headers: { 'X-Forwarded-For': '192.0.2.1', Forwarded: 'for=192.0.2.1', 'X-Forwarded-Proto': 'https' } });
    assert.deepEqual(await peersOf(daemon), [`ws:${client}:${portOf(raw)}`]);
    await raw.close();
    const nonsense = await open(daemon.url, { headers: { 'X-Forwarded-For': 'nonsense', Forwarded: '"' } });
    await nonsense.close();
  });
  test('is closed when it sends a PROXY header', async () => {
    for (const header of [Buffer.from('PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n'), binaryHeader]) {
      assert.doesNotMatch(await sends(Buffer.concat([header, Buffer.from(request)])), /101/);
      await sends(Buffer.concat([header, Buffer.from(request)]), { port: portFrom(daemon, 'wss') });
    }
    assert.deepEqual(await peersOf(daemon), []);
  });
  test('is the only one that is closed for it: a trusted proxy is believed', async () => {
    for (const header of [Buffer.from('PROXY TCP4 192.0.2.1 127.0.0.1 39321 80\r\n'), binaryHeader]) {
      const socket = net.connect({ port: daemon.port, host: '127.0.0.1' });
      socket.write(Buffer.concat([header, Buffer.from(request)]));
      const [answer] = await once(socket, 'data');
      assert.match(answer.toString(), /^HTTP\/1\.1 101 /);
      assert.deepEqual(await peersOf(daemon), ['ws:192.0.2.1:39321']);
      socket.destroy();
      await until('it is gone', async () => (await peersOf(daemon)).length === 0);
    }
  });
  test('a header of a trusted proxy that comes byte by byte is one header', async () => {
    const socket = net.connect({ port: daemon.port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    for (const byte of binaryHeader) await new Promise(resolve => socket.write(Buffer.from([byte]), () => setImmediate(resolve)));
    socket.write(request);
    const [answer] = await once(socket, 'data');
    assert.match(answer.toString(), /^HTTP\/1\.1 101 /);
    assert.deepEqual(await peersOf(daemon), ['ws:192.0.2.1:39321']);
    socket.destroy();
    await until('it is gone', async () => (await peersOf(daemon)).length === 0);
  });
  test('a trusted proxy whose PROXY header is malformed is closed', async () => {
    const before = await statistic(daemon, 'bad_proxy_headers');
    const malformed = [
      Buffer.from('PROXY TCP4 192.0.2.1 127.0.0.1 99999 80\r\n'),
      Buffer.from(`PROXY UNKNOWN ${'x'.repeat(120)}`),
      Buffer.concat([binaryHeader.subarray(0, 12), Buffer.from([0x31]), binaryHeader.subarray(13)]),
      Buffer.concat([binaryHeader.subarray(0, 14), Buffer.from([0xff, 0xff]), binaryHeader.subarray(16)]),
    ];
    for (const header of malformed) assert.equal(await sends(Buffer.concat([header, Buffer.from(request)]), { localAddress: '127.0.0.1' }), '');
    assert.equal(await statistic(daemon, 'bad_proxy_headers'), before + malformed.length);
  });
  test('a trusted proxy whose X-Forwarded-For is malformed gets 400', async () => {
    assert.equal(await refusal(daemon.url, { localAddress: '127.0.0.1', headers: { 'X-Forwarded-For': 'example.com' } }), 400);
    assert.equal(await refusal(daemon.url, { localAddress: '127.0.0.1', headers: { Forwarded: 'for="192.0.2.1' } }), 400);
  });
});
