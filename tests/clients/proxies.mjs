// nginx and HAProxy as children of a test: on free loopback ports, with a configuration of the test's own, gone with it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './daemon.mjs';

const examples = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'etc');
export const example = name => readFileSync(path.join(examples, name), 'utf8');

const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

export function scratch() {
  const folder = mkdtempSync(path.join(tmpdir(), 'sipwsd-proxies-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// A certificate and its key for NAME: two files, and both in one as HAProxy wants it.
export function certificate(folder, name) {
  const files = { crt: path.join(folder, 'crt.pem'), key: path.join(folder, 'key.pem'), both: path.join(folder, 'both.pem') };
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '90',
    '-subj', `/CN=${name}`, '-addext', `subjectAltName=${net.isIP(name) ? 'IP' : 'DNS'}:${name}`, '-keyout', files.key, '-out', files.crt], { stdio: 'ignore' });
  writeFileSync(files.both, readFileSync(files.crt, 'utf8') + readFileSync(files.key, 'utf8'), { mode: 0o600 });
  return files;
}

export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(server => once(server, 'listening')));
  const ports = servers.map(server => server.address().port);
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  return ports;
}

const answers = port => new Promise(resolve => {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('connect', () => { socket.destroy(); resolve(true); });
  socket.on('error', () => resolve(false));
});

// `configure(ports)` gives its text. A port may be taken between being found free and being bound: then once more.
async function start(command, commandLine, names, configure) {
  for (let attempt = 1; ; ++attempt) {
    const folder = scratch();
    const ports = Object.fromEntries((await freePorts(names.length)).map((port, i) => [names[i], port]));
    const file = path.join(folder, 'conf');
    writeFileSync(file, configure(ports));
    const child = spawn(command, commandLine(folder, file), { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    const proxy = { ports, log: '' };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => { proxy.log += text; });
    let ended = false;
    const exited = new Promise(resolve => {
      for (const event of ['exit', 'error']) child.on(event, what => { ended = true; running.delete(child); resolve(what); });
    });
    proxy.stop = async () => {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(late);
      rmSync(folder, { recursive: true, force: true });
    };
    try {
      await until(`${command} answers`, async () => ended || (await Promise.all(Object.values(ports).map(answers))).every(Boolean), { within: 15000 });
    } catch (error) {
      await proxy.stop();
      throw new Error(`${error.message}\n${proxy.log}`);
    }
    if (!ended) return proxy;
    if (attempt === 3) throw new Error(`${command} ended at its start:\n${proxy.log}`);
  }
}

// One process, so that the test knows its pid. `http` and `stream` are what stands in these blocks.
export const startNginx = (names, configure) => start('nginx', (folder, file) => ['-p', folder, '-c', file, '-e', 'stderr'], names, ports => {
  const { http = '', stream = '' } = configure(ports);
  return `daemon off; master_process off; pid nginx.pid; error_log stderr warn;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events { worker_connections 256; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(what => `${what}_temp_path ${what};`).join(' ')}
  ${http}
}
stream { ${stream} }
`;
});

export const startHaproxy = (names, configure) => start('haproxy', (_folder, file) => ['-db', '-f', file], names, ports =>
  `global\n  maxconn 256\n${configure(ports)}`);
