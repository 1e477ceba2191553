// Headless Chromium with invented microphones, and the demo phone as an object a test can speak to.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { until } from './daemon.mjs';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required',
];

// `more` flags: --ignore-certificate-errors lets a page connect to a wss address whose certificate nobody vouches for.
export async function startBrowser(more = []) {
  const home = mkdtempSync(path.join(tmpdir(), 'sipwsd-chromium-'));
  const browser = await chromium.launch({ executablePath, headless: true, args: [...flags, ...more], env: { ...process.env, HOME: home } });
  return {
    newContext: options => browser.newContext(options),
    async close() {
      await browser.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

// Keeps every RTCPeerConnection that the page makes, so that a test reads getStats itself and need not believe the page.
function watchConnections() {
  window.connections = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      window.connections.push(this);
    }
  };
}

export class Phone {
  constructor(page, origin) {
    this.page = page;
    this.complaints = [];
    page.on('console', message => { if (message.type() === 'error') this.complaints.push(message.text()); });
    page.on('pageerror', error => this.complaints.push(String(error)));
    page.on('request', request => {
      const url = request.url();
      if (!url.startsWith(origin) && !url.startsWith('data:') && !url.startsWith('blob:')) this.complaints.push(`asked for ${url}`);
    });
  }

  static async open(context, daemon, name, address = daemon.page) {
    const page = await context.newPage();
    page.setDefaultTimeout(8000);
    await page.addInitScript(watchConnections);
    const phone = new Phone(page, address);
    await page.goto(address);
    await page.waitForSelector('body[data-ready]');
    if (name) await phone.register(name);
    return phone;
  }

  part(id) { return this.page.getByTestId(id); }
  async register(name) {
    this.name = name;
    await this.part('name-input').fill(name);
    await this.part('signin').click();
    await this.state('registered');
  }
  state(state) { return this.page.waitForSelector(`[data-testid=status][data-state=${state}]`); }
  // The page asks who is online every two seconds, and when it comes to the front: tests need not wait.
  async lists(peer, wanted) {
    await until(`${this.name} ${wanted ? 'sees' : 'does not see'} ${peer}`, async () => {
      await this.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
      return (await this.page.locator(`li[data-online=true] [data-testid="contact-${peer}"]`).count() === 1) === wanted;
    }, { within: 8000, every: 50 });
  }
  sees(peer) { return this.lists(peer, true); }
  missesOf(peer) { return this.lists(peer, false); }
  async openPeer(peer) { await this.part(`contact-${peer}`).click(); }
  async call(peer) {
    await this.part('dial-input').fill(peer);
    await this.part('dial-open').click();
    await this.part('call-button').click();
  }
  press(id) { return this.part(id).click(); }
  phase(phase) { return this.page.waitForSelector(`[data-testid=call-card][data-phase=${phase}]`, { state: 'attached' }); }
  note() { return this.part('call-note').textContent(); }
  async noteIs(words) { await this.page.waitForFunction(wanted => document.querySelector('[data-testid=call-note]').textContent === wanted, words); }
  async dismiss() {
    if (await this.part('dismiss').isVisible()) await this.press('dismiss');
    await this.phase('idle');
  }
  async shows(kind, text) {
    await this.page.waitForFunction(([id, wanted]) => [...document.querySelectorAll(`[data-testid=${id}]`)].some(line => line.firstChild.textContent === wanted), [kind, text]);
  }
  async say(peer, text) {
    await this.openPeer(peer);
    await this.part('message-input').fill(text);
    await this.part('message-input').press('Enter');
  }

  // Bytes of audio so far in both directions, of the newest connection.
  audioBytes() {
    return this.page.evaluate(async () => {
      const bytes = { sent: 0, received: 0 };
      const connection = window.connections.at(-1);
      if (!connection) return bytes;
      for (const stat of (await connection.getStats()).values()) {
        if (stat.type === 'outbound-rtp' && stat.kind === 'audio') bytes.sent += stat.bytesSent;
        if (stat.type === 'inbound-rtp' && stat.kind === 'audio') bytes.received += stat.bytesReceived;
      }
      return bytes;
    });
  }
}
