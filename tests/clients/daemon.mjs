// Starts the real daemon on a free loopback port, waits for its own word that it is ready, and ends it by its pid.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
export const binary = process.env.SIPWSD ?? path.join(root, 'build', 'sipwsd');

// No daemon outlives the test that started it, however that ends.
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.exit(1));

// A certificate that vouches for itself.
function makeCertificate(folder) {
  const files = { certificate: path.join(folder, 'certificate.pem'), key: path.join(folder, 'key.pem') };
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', files.key, '-out', files.certificate,
  ], { stdio: 'ignore' });
  return files;
}

// With `tls` it listens on wss as well: secureUrl, securePage, and the certificate to trust. `listen` is what else it
// listens on, like { udp: 0, tcp: 0 }: ports, 0 for one of its choice. All it has are then in `ports`.
export async function startDaemon({ args = [], port = 0, workers = 2, tls = false, listen = {} } = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'sipwsd-clients-'));
  const fifo = path.join(folder, 'fifo');
  const made = tls ? makeCertificate(folder) : undefined;
  const secure = made ? ['--listen', 'wss:127.0.0.1:0', '--tls-certificate', made.certificate, '--tls-private-key', made.key] : [];
  const child = spawn(
    binary,
    ['-F', '--log-stderr', '--listen', `ws:127.0.0.1:${port}`, ...Object.entries(listen).flatMap(([scheme, number]) => ['--listen', `${scheme}:127.0.0.1:${number}`]), '--workers', String(workers), '--fifo', fifo, '--pid-file', path.join(folder, 'pid'), ...secure, ...args],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  running.add(child);
  const daemon = { child, pid: child.pid, folder, fifo, log: '', port: 0 };
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }), error => ({ error })).finally(() => running.delete(child));
  daemon.exited = exited;
  try {
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`not ready in 20 s:\n${daemon.log}`)), 20000);
      const done = act => value => { clearTimeout(late); act(value); };
      child.stderr.setEncoding('utf8');
      child.stderr.on('data', text => {
        daemon.log += text;
        if (daemon.ports || !/^sipwsd: ready$/m.test(daemon.log)) return;
        daemon.ports = Object.fromEntries([...daemon.log.matchAll(/^sipwsd: listening on (\w+):127\.0\.0\.1:(\d+)$/gm)].map(([, scheme, number]) => [scheme, Number(number)]));
        daemon.port = daemon.ports.ws;
        daemon.securePort = daemon.ports.wss ?? 0;
        done(resolve)();
      });
      exited.then(end => done(reject)(new Error(`the daemon ended at its start (${JSON.stringify(end)}):\n${daemon.log}`)));
    });
  } catch (error) {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  daemon.host = `127.0.0.1:${daemon.port}`;
  daemon.url = `ws://${daemon.host}/`;
  daemon.page = `http://${daemon.host}/`;
  if (made) {
    daemon.secureUrl = `wss://127.0.0.1:${daemon.securePort}/`;
    daemon.securePage = `https://127.0.0.1:${daemon.securePort}/`;
    daemon.certificate = readFileSync(made.certificate);
  }
  daemon.stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 15000);
    const end = await exited;
    clearTimeout(late);
    rmSync(folder, { recursive: true, force: true });
    if (end.signal === 'SIGKILL') throw new Error(`the daemon did not end within 15 s of SIGTERM:\n${daemon.log.slice(-4000)}`);
    return end;
  };
  return daemon;
}

// The processes of one role, by the title they give themselves.
export function childrenOf(pid, role) {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).filter(name => {
    try {
      const [, comm, parent] = /^\d+ \((.*)\) \S+ (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'));
      return Number(parent) === pid && comm.startsWith(role);
    } catch { return false; }  // ended while we looked
  }).map(Number);
}

// Asks until the answer is true, or says what it was waiting for.
export async function until(what, ask, { within = 5000, every = 20 } = {}) {
  const end = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${within} ms for: ${what}`);
    await new Promise(resolve => setTimeout(resolve, every));
  }
}

// What arrived and was not asked for yet. next() waits for one that fits and leaves the others.
export class Inbox {
  constructor(what) {
    this.what = what;
    this.items = [];
    this.waiting = [];
  }
  put(item) {
    const at = this.waiting.findIndex(one => one.fits(item));
    if (at < 0) this.items.push(item);
    else this.waiting.splice(at, 1)[0].take(item);
  }
  next(fits = () => true, within = 5000) {
    const at = this.items.findIndex(fits);
    if (at >= 0) return Promise.resolve(this.items.splice(at, 1)[0]);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.waiting = this.waiting.filter(one => one !== waiter);
        reject(new Error(`no ${this.what} in ${within} ms; there are ${this.items.length} others: ${this.items.map(String).join('\n').slice(0, 2000)}`));
      }, within);
      const waiter = { fits, take: item => { clearTimeout(late); resolve(item); } };
      this.waiting.push(waiter);
    });
  }
}
