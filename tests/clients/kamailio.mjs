// Debian's Kamailio as somebody else's server: kamailio/registrar.cfg on free loopback ports, ended by its pid.
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './daemon.mjs';
import { certificate, freePorts, scratch } from './proxies.mjs';

const configuration = path.join(path.dirname(fileURLToPath(import.meta.url)), 'kamailio', 'registrar.cfg');
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGTERM'); });

// One question, answered or not.
export function isAnswered(port, within = 250) {
  const socket = dgram.createSocket('udp4');
  const here = () => socket.address().port;
  return new Promise(resolve => {
    const done = answer => { clearTimeout(late); socket.close(); resolve(answer); };
    const late = setTimeout(() => done(false), within);
    socket.on('message', text => done(/^SIP\/2\.0 200/.test(text.toString())));
    socket.on('error', () => done(false));
    socket.bind(0, '127.0.0.1', () => socket.send([
      'OPTIONS sip:example.com SIP/2.0', `Via: SIP/2.0/UDP 127.0.0.1:${here()};branch=z9hG4bK${Math.random()}`, 'Max-Forwards: 70', 'From: <sip:test@example.com>;tag=1',
      'To: <sip:example.com>', `Call-ID: ${Math.random()}`, 'CSeq: 1 OPTIONS', 'Content-Length: 0', '', '',
    ].join('\r\n'), port, '127.0.0.1'));
  });
}

// `edge`: with WebSockets; `outbound`: with its module for RFC 5626; `port`: the one to have again after a restart.
export async function startKamailio({ port, edge = false, outbound = false } = {}) {
  const folder = scratch();
  const [sip, ws, tls, wss] = await freePorts(4);
  const kamailio = { port: port ?? sip, log: '' };
  kamailio.ports = { udp: kamailio.port, tcp: kamailio.port, tls, ws, wss };
  const listen = [`udp:127.0.0.1:${kamailio.port}`, `tcp:127.0.0.1:${kamailio.port}`];
  const files = certificate(folder, '127.0.0.1');
  kamailio.certificate = readFileSync(files.crt);
  listen.push(`tls:127.0.0.1:${tls}`);
  const defines = ['-A', `TLS_CERTIFICATE="${files.crt}"`, '-A', `TLS_KEY="${files.key}"`];
  if (outbound) defines.push('-A', 'WITH_OUTBOUND');
  if (edge) {
    listen.push(`tcp:127.0.0.1:${ws}`, `tls:127.0.0.1:${wss}`);
    defines.push('-A', 'WITH_WEBSOCKET');
  }
  const child = spawn('kamailio', ['-f', configuration, '-DD', '-E', '-m', '64', '-M', '8', '-Y', folder, '-w', folder, ...listen.flatMap(one => ['-l', one]), ...defines], { stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  child.stderr.setEncoding('utf8').on('data', text => { kamailio.log = (kamailio.log + text).slice(-200000); });
  let ended = false;
  const exited = new Promise(resolve => {
    for (const event of ['exit', 'error']) child.on(event, what => { ended = true; running.delete(child); resolve(what); });
  });
  kamailio.stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 8000);
    await exited;
    clearTimeout(late);
    rmSync(folder, { recursive: true, force: true });
  };
  await until('kamailio to answer', async () => ended || isAnswered(kamailio.port), { within: 20000 }).catch(error => { throw new Error(`${error.message}\n${kamailio.log}`); });
  if (ended) throw new Error(`kamailio ended at its start:\n${kamailio.log}`);
  return kamailio;
}
