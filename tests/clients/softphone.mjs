// A page with JsSIP or SIP.js in headless Chromium: told what to do by a test, and telling it what happened.
import http from 'node:http';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Inbox } from './daemon.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
// The bundler that makes the demo page.
const { build } = createRequire(path.join(here, '..', '..', 'src', 'stage', 'demo', 'package.json'))('esbuild');
export const libraries = { JsSIP: 'jssip', 'SIP.js': 'sipjs' };

// The pages' own origin: a file or data address may not open a WebSocket to loopback.
export async function servePages() {
  const made = await build({
    entryPoints: Object.values(libraries).map(name => path.join(here, 'softphone', `${name}.js`)), bundle: true, write: false, outdir: '/', define: { global: 'window' }, logLevel: 'error', legalComments: 'none',
  });
  const scripts = new Map(made.outputFiles.map(file => [path.basename(file.path, '.js'), file.text]));
  const server = http.createServer((request, response) => {
    const script = scripts.get(request.url.slice(1));
    response.writeHead(script ? 200 : 404, { 'Content-Type': 'text/html; charset=utf-8' });
    response.end(script ? `<!doctype html><title>softphone</title><script>${script.replaceAll('</script', '<\\/script')}</script>` : '');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => new Promise(resolve => { server.close(resolve); server.closeAllConnections(); }) };
}

export class Softphone {
  // `options`: server, uri, and what the library's own configuration takes.
  static async open(browser, pages, library, options) {
    const phone = new Softphone();
    phone.library = library;
    phone.uri = options.uri;
    phone.events = new Inbox(`event of ${options.uri} (${library})`);
    phone.history = [];
    phone.complaints = [];
    phone.context = await browser.newContext({ ignoreHTTPSErrors: true });
    phone.page = await phone.context.newPage();
    phone.page.setDefaultTimeout(15000);
    phone.page.on('pageerror', error => phone.complaints.push(String(error.stack ?? error)));
    phone.page.on('websocket', socket => {
      for (const [event, arrow] of [['framesent', '>'], ['framereceived', '<']]) socket.on(event, ({ payload }) => phone.history.push(`${arrow} ${payload}`));
    });
    await phone.page.exposeFunction('report', (type, data = {}) => {
      phone.history.push(`# ${type} ${JSON.stringify(data)}`);
      phone.events.put({ type, ...data, toString: () => `${type} ${JSON.stringify(data)}` });
    });
    await phone.page.goto(`${pages.origin}/${libraries[library]}`);
    await phone.does('start', options);
    return phone;
  }
  static async registered(browser, pages, library, options) {
    const phone = await Softphone.open(browser, pages, library, options);
    await phone.hears('registered');
    return phone;
  }
  does(what, ...words) { return this.page.evaluate(([name, values]) => window.softphone[name](...values), [what, words]); }
  // The next event of that kind; what came before it stays for others to ask.
  async hears(type, fits = () => true, within = 15000) {
    try {
      return await this.events.next(event => event.type === type && fits(event), within);
    } catch (error) {
      error.message = `${this.uri} (${this.library}) did not hear ${type}: ${error.message}\n${this.complaints.join('\n')}\n${this.history.slice(-12).join('\n')}`;
      throw error;
    }
  }
  forget() { this.events.items = []; }
  // Frames of the page's WebSockets that the server sent and that begin so.
  received(start) { return this.history.filter(line => line.startsWith(`< ${start}`)).map(line => line.slice(2)); }
  sent(start) { return this.history.filter(line => line.startsWith(`> ${start}`)).map(line => line.slice(2)); }
  close() { return this.context.close(); }
}
