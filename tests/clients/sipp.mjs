// SIPp as a phone: a scenario of sipp/, its words of how far it is ("log" actions), and what it saw on the wire.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './daemon.mjs';
import { freePorts } from './proxies.mjs';

const scenarios = path.join(path.dirname(fileURLToPath(import.meta.url)), 'sipp');
const running = new Set();
const folders = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

// What Chromium takes for a media description; nobody is at the other end of it, so the calls are signalling only.
const fingerprint = Array.from({ length: 32 }, (_, i) => (i * 7 + 16).toString(16).toUpperCase()).join(':');
const sdp = (direction, setup) => [
  'v=0', 'o=sipp 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=rtpmap:0 PCMU/8000',
  'a=ice-ufrag:sipp', 'a=ice-pwd:0123456789abcdefghijkl', `a=fingerprint:sha-256 ${fingerprint}`, `a=setup:${setup}`, 'a=mid:0', 'a=rtcp-mux', `a=${direction}`,
].join('\n      ');

// SIPp's scenarios know no inclusion: the parts are put together here.
function scenario(name) {
  return readFileSync(path.join(scenarios, name), 'utf8')
    .replace(/^ *@include (\S+)@\n/gm, (_, part) => scenario(part))
    .replace(/@sdp (\w+) (\S+)@/g, (_, direction, setup) => sdp(direction, setup));
}

// `play` is the scenario it begins with; `called` the one for calls that others begin. `via` is what stands in its Via
// when that is not its own transport: SIPp of Debian has no TLS, so something else encrypts for it.
export class Sipp {
  static async start(options) {
    return new Sipp({ ...options, port: options.port ?? (await freePorts(1))[0] });
  }
  // Its port is its own over every transport: by itself SIPp takes one over TCP that another has over UDP, and then gets
  // what is too large for a datagram and meant for the other.
  constructor({ play, called, transport, remote, port, via = transport.toUpperCase(), keys = {} }) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'sipwsd-sipp-'));
    folders.add(this.folder);
    Object.assign(this, { port, transport });
    const write = name => {
      const file = path.join(this.folder, `${name}.xml`);
      writeFileSync(file, scenario(`${name}.xml`));
      return file;
    };
    // Who answered the first offer with "active" stays it (RFC 8842 5.3).
    const values = { via, uri_transport: via.toLowerCase(), dtls_role: called ? 'active' : 'passive', contact_port: port, ...keys };
    const args = ['-sf', write(play), ...(called ? ['-oocsf', write(called)] : []), remote, '-t', transport === 'udp' ? 'u1' : 't1', '-i', '127.0.0.1', '-p', String(port),
      '-m', '1', '-nostdin', '-recv_timeout', '20000', '-timeout', '60', '-timeout_error', '-trace_err', '-error_file', this.file('errors'), '-trace_msg', '-message_file', this.file('messages'), '-au', values.user, '-ap', values.password,
      '-trace_logs', '-log_file', this.file('said'), '-default_behaviors', 'none', '-watchdog_interval', '0', '-max_retrans', '5', ...Object.entries(values).flatMap(([key, value]) => ['-key', key, value])];
    // RFC 7616 3.4: what is asked for; by itself SIPp names the address it sends to.
    args.push('-auth_uri', /REGISTER/.test(scenario(`${play}.xml`)) ? values.domain : `${values.target}@${values.domain}`);
    this.name = `sipp ${play}${called ? ` + ${called}` : ''} (${via})`;
    this.output = '';
    this.child = spawn('sipp', args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.setEncoding('utf8').on('data', text => { this.output = (this.output + text).slice(-6000); });
    running.add(this.child);
    this.exited = new Promise(resolve => {
      this.child.on('exit', code => { this.ended = true; running.delete(this.child); resolve(code); });
      this.child.on('error', error => { this.ended = true; this.output += error; resolve(error); });
    });
  }
  file(name) { return path.join(this.folder, name); }
  read(name) { return existsSync(this.file(name)) ? readFileSync(this.file(name), 'utf8') : ''; }
  words() { return this.read('said').split('\n').map(line => line.trim()).filter(Boolean); }
  // What an earlier call still sends to this address is no matter of this one, nor is a NOTIFY that SIPp was not ready for.
  complaints() { return this.read('errors').split(/(?=^\d{4}-\d\d-\d\d\t)/m).filter(entry => !/^The following events|out-of-call scenario\s*$|Discarding message which can't be mapped|while expecting 'INVITE' \(index 0\)|^.*unexpected message for .*received 'NOTIFY /.test(entry)).join('\n').trim(); }
  trouble(what) { return new Error(`${this.name} ${what}\n${this.complaints()}\nsaid: ${this.words()}\n${this.read('messages').slice(-6000)}\n${this.output.slice(-1500)}`); }

  // One that is called without having registered: its socket is there, of which the kernel's tables tell.
  async listens() {
    const wanted = new RegExp(`:${this.port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0[7A] `);
    await until(`${this.name} to listen`, () => this.ended || wanted.test(readFileSync(`/proc/net/${this.transport}`, 'utf8')));
  }
  async says(word, within = 15000) {
    await until(`${this.name} to say ${word}`, () => this.words().includes(word) || this.ended || this.complaints() !== '', { within }).catch(error => { throw this.trouble(error.message); });
    if (!this.words().includes(word)) throw this.trouble(`ended or complained before it said ${word}`);
  }
  // A scenario that ends by itself, and ended well.
  async succeeds() {
    const code = await this.exited;
    if (code !== 0) throw this.trouble(`ended with ${code}`);
  }
  // Every message that came in or went out, in order.
  messages(direction) {
    const all = this.read('messages').split(/^-{10,}.*\n/m).slice(1).map(text => /^(?:UDP|TCP)[^\n]* message (sent|received)[^\n]*\n\n?([\s\S]*)$/.exec(text)).filter(Boolean);
    return all.filter(([, way]) => way === direction).map(([, , text]) => text.replaceAll('\r\n', '\n').trimStart());
  }
  async stop() {
    this.child.kill('SIGKILL');
    await this.exited;
    folders.delete(this.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
