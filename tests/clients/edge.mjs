// The daemon as the edge between browsers and phones: ws, udp, tcp and tls, users with the password "secret". With
// EDGE=kamailio it is Kamailio instead: so the scenarios themselves are proved against somebody else's server.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDaemon } from './daemon.mjs';
import { startKamailio } from './kamailio.mjs';

export const domain = 'example.com';
export const password = 'secret';
export const addressOf = user => `sip:${user}@${domain}`;

function credentials(folder, users) {
  const file = path.join(folder, 'htdigest');
  const ha1 = user => createHash('md5').update(`${user}:${domain}:${password}`).digest('hex');
  writeFileSync(file, users.map(user => `${user}:${domain}:${ha1(user)}\n`).join(''), { mode: 0o600 });
  return file;
}

// It is the registrar itself.
export async function startEdge({ users = [], args = [], workers = 2 } = {}) {
  if (process.env.EDGE === 'kamailio') {
    const server = await startKamailio({ edge: true });
    return { server, ports: server.ports, url: `ws://127.0.0.1:${server.ports.ws}/`, certificate: server.certificate, log: () => server.log, stop: () => server.stop() };
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'sipwsd-edge-'));
  const server = await startDaemon({
    workers, tls: true, listen: { udp: 0, tcp: 0, tls: 0 },
    args: ['--alias', domain, '--auth-mode', 'digest', '--auth-file', credentials(folder, users), ...args],
  });
  const stop = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { server, ports: server.ports, url: server.url, certificate: server.certificate, log: () => server.log, stop };
}

// In front of registrars of somebody else's, best first. `again` is one that ended, to have its addresses once more.
export async function startEdgeOf(upstreams, { transport = 'udp', args = [], workers = 2, again } = {}) {
  const { ws = 0, udp = 0, tcp = 0 } = again?.ports ?? {};
  return startDaemon({
    workers, port: ws, listen: { udp, tcp },
    args: ['--alias', domain, '--auth-mode', 'none', ...upstreams.flatMap(port => ['--upstream', `sip:127.0.0.1:${port};transport=${transport}`]), ...args],
  });
}
