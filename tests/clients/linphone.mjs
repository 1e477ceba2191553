// linphone as a phone: Debian's linphone-daemon, told what to do over its standard input. It has no sound card here: it
// plays to nobody and hears nothing, so calls with it are signalling only.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from './daemon.mjs';

const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

// Its ports are its own choice (-2: any), and it lets nobody in over what it does not speak (0). Without a route it would
// ask the DNS for the domain of whom it calls.
const configuration = ({ uri, proxy, password }) => `[sip]
sip_port=0
sip_tcp_port=-2
sip_tls_port=0
media_encryption=dtls
media_encryption_mandatory=0
[rtp]
rtcp_mux=1
[sound]
remote_ring=
local_ring=
[misc]
uuid=00000000-0000-4000-8000-000000000001
[net]
firewall_policy=ice
[auth_info_0]
username=${uri.slice('sip:'.length, uri.indexOf('@'))}
passwd=${password}
realm=${uri.slice(uri.indexOf('@') + 1)}
[proxy_0]
reg_proxy=<${proxy}>
reg_route=<${proxy};lr>
reg_identity=${uri}
reg_expires=600
reg_sendregister=1
`;

export class Linphone {
  constructor(account) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'sipwsd-linphone-'));
    mkdirSync(path.join(this.folder, '.local', 'share', 'linphone'), { recursive: true });
    const file = path.join(this.folder, 'linphonerc');
    writeFileSync(file, configuration(account));
    this.log = path.join(this.folder, 'log');
    this.child = spawn('linphone-daemon', ['--config', file, '--log', this.log, '--disable-stats-events'], {
      cwd: this.folder, env: { ...process.env, HOME: this.folder }, stdio: ['pipe', 'pipe', 'ignore'],
    });
    running.add(this.child);
    this.output = '';
    this.child.stdout.setEncoding('utf8').on('data', text => { this.output += text; });
    this.exited = new Promise(resolve => this.child.on('exit', () => { running.delete(this.child); resolve(); }));
    this.turn = Promise.resolve();
  }
  // One command at a time. Events stand between the answers, before and behind the prompt.
  tell(command) {
    const answer = this.turn.then(async () => {
      await until('linphone to be ready', () => this.output.includes('daemon-linphone>'), { within: 15000 });
      const from = this.output.length;
      this.child.stdin.write(`${command}\n`);
      const [text] = await until(`linphone to answer ${command}`, () => /^Status: [^]*?\ndaemon-linphone>/m.exec(this.output.slice(from)), { within: 15000 });
      return text;
    });
    this.turn = answer.catch(() => {});
    return answer;
  }
  static async registered(account) {
    const linphone = new Linphone(account);
    await linphone.reaches('register-status ALL', 'LinphoneRegistrationOk');
    return linphone;
  }
  async reaches(question, state) {
    let last;
    await until(`linphone to say ${state}`, async () => (last = await this.tell(question)).includes(state), { within: 15000, every: 50 })
      .catch(error => { throw new Error(`${error.message}\n${last}\n${readFileSync(this.log, 'utf8').slice(-8000)}`); });
  }
  isIn(state) { return this.reaches('call-status', state); }
  async stop() {
    this.child.kill('SIGKILL');
    await this.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
