// SIP over a WebSocket by hand, for what the libraries will not say: one text frame a message (RFC 7118 5).
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import WebSocket from 'ws';
import { Inbox } from './daemon.mjs';

const token = () => randomBytes(6).toString('hex');

export class RawSip {
  static async open(url, options = {}) {
    const client = new RawSip();
    client.host = `${token()}.invalid`;
    client.inbox = new Inbox('SIP message');
    client.closed = new Promise(resolve => {
      client.socket = new WebSocket(url, 'sip', options);
      client.socket.on('message', data => client.inbox.put(data.toString()));
      client.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    await once(client.socket, 'open');
    return client;
  }

  request(method, uri, { user, domain, to = `<sip:${user}@${domain}>`, callId = token(), cseq = 1, headers = [], body = '' }) {
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/WS ${this.host};branch=z9hG4bK${token()}`,
      'Max-Forwards: 70',
      `From: <sip:${user}@${domain}>;tag=${token()}`,
      `To: ${to}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      ...headers,
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n');
  }
  send(text) { this.socket.send(text); }

  // Sends and gives back the final response.
  async ask(method, uri, options) {
    const callId = token();
    this.send(this.request(method, uri, { callId, ...options }));
    return this.inbox.next(text => text.includes(options.callId ?? callId) && /^SIP\/2\.0 [2-6]/.test(text));
  }
  register(user, domain, { expires = 600, cseq = 1, callId, contact = `<sip:${user}@${this.host};transport=ws>` } = {}) {
    const headers = contact === null ? [] : [`Contact: ${contact}`, `Expires: ${expires}`];
    return this.ask('REGISTER', `sip:${domain}`, { user, domain, cseq, headers, ...(callId && { callId }) });
  }
  // RFC 3261 10.2.3: a REGISTER without Contact asks what is bound.
  async bindings(user, domain) {
    const answer = await this.register(user, domain, { contact: null });
    return contactsOf(answer);
  }
  async close(code = 1000) {
    this.socket.close(code);
    return this.closed;
  }
}

export const statusOf = text => Number(text.slice(8, 11));
export const contactsOf = text => [...text.matchAll(/^(?:Contact|m)\s*:\s*(.*)\r$/gim)].flatMap(([, value]) => value.split(/,(?=\s*(?:"[^"]*"\s*)?<)/)).map(one => one.trim());
export const bodyOf = text => text.slice(text.indexOf('\r\n\r\n') + 4);
