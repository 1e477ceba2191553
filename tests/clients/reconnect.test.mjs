// A page whose network changes: its connection is reset, and it is back on another. What belongs to it follows.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { startBrowser } from './browser.mjs';
import { converse, hasItsAck, registeredPhone, wayTo } from './call_steps.mjs';
import { until } from './daemon.mjs';
import { addressOf, password, startEdge } from './edge.mjs';
import { startRelay } from './relay.mjs';
import { libraries, servePages, Softphone } from './softphone.mjs';

const names = Object.keys(libraries);
const users = names.flatMap((_, i) => ['mover', 'fixed', 'phone', 'leaver'].map(who => `${who}${i}`));

describe('a page whose network changes', { concurrency: true }, () => {
  let edge, browser, pages;
  before(async () => {
    // The relay's address is not the daemon's, so the page asks for a name that is.
    edge = await startEdge({ users, workers: 3, args: ['--alias', 'localhost'] });
    pages = await servePages();
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await Promise.all([pages?.close(), edge?.stop()]);
  });

  for (const [i, library] of names.entries()) {
    describe(library, { concurrency: 1 }, () => {
      const moverUri = addressOf(`mover${i}`);
      let relay, mover, fixed;
      before(async () => {
        relay = await startRelay(edge.ports.ws);
        [mover, fixed] = await Promise.all([
          Softphone.registered(browser, pages, library, { server: `ws://localhost:${relay.port}/`, uri: moverUri, password }),
          Softphone.registered(browser, pages, library, { server: edge.url, uri: addressOf(`fixed${i}`), password }),
        ]);
      });
      afterEach(async () => {
        relay.back();
        mover.forget();
        fixed.forget();
      });
      after(async () => {
        await Promise.all([mover?.close(), fixed?.close()]);
        await relay?.close();
      });

      const isBack = async page => {
        await page.hears('disconnected');
        await page.hears('registered');
      };
      const talk = async (caller, callee) => {
        await caller.does('call', callee.uri);
        await callee.hears('incoming');
        await callee.does('answer');
        await Promise.all([caller, callee].map(page => page.hears('confirmed')));
        await hasItsAck(callee);
      };

      // SIP.js says nothing of an answer without Contact, as what a proxy says of itself has none.
      const callsWhoIsAway = async () => {
        const before = fixed.received('SIP/2.0 182').length;
        await fixed.does('call', mover.uri);
        await until('the caller is told that it waits', () => fixed.received('SIP/2.0 182').length > before);
      };

      for (const role of ['caller', 'callee']) {
        test(`as the ${role}: a re-INVITE and the BYE reach it on its new connection, whichever worker has that`, async () => {
          await talk(...(role === 'caller' ? [mover, fixed] : [fixed, mover]));
          for (let round = 1; round <= 3; round += 1) {
            mover.forget();
            relay.reset();
            await isBack(mover);
            await fixed.does(round % 2 ? 'hold' : 'unhold');
            await mover.hears(round % 2 ? 'held' : 'unheld');
            await hasItsAck(mover);
          }
          await fixed.does('hangup');
          await mover.hears('ended');
        });

        test(`as the ${role}: what it says itself goes on from the new connection`, async () => {
          await talk(...(role === 'caller' ? [mover, fixed] : [fixed, mover]));
          mover.forget();
          relay.reset();
          await isBack(mover);
          await mover.does('hold');
          await fixed.hears('held');
          await mover.does('hangup');
          await fixed.hears('ended');
        });
      }

      test('a BYE that is sent while it is away waits for it', async () => {
        await talk(fixed, mover);
        mover.forget();
        relay.leave();
        await mover.hears('disconnected');
        await fixed.does('hangup');
        await until('the BYE is on its way', () => fixed.sent('BYE').length > 0);
        relay.back();
        await mover.hears('registered');
        await mover.hears('ended');
        const callId = /^Call-ID: (.*)$/m.exec(fixed.sent('BYE').at(-1))[1];
        await until('the BYE is answered', () => fixed.received('SIP/2.0 200').some(text => text.includes(callId) && /^CSeq: \d+ BYE/m.test(text)));
      });

      test('a call to it while it is away is held, and rings when it is back', async () => {
        relay.leave();
        await mover.hears('disconnected');
        await callsWhoIsAway();
        relay.back();
        await mover.hears('incoming');
        await mover.does('answer');
        await Promise.all([mover, fixed].map(page => page.hears('confirmed')));
        await fixed.does('hangup');
        await mover.hears('ended');
      });

      test('a call to it while it is away can be given up', async () => {
        relay.leave();
        await mover.hears('disconnected');
        await callsWhoIsAway();
        await fixed.does('hangup');
        const callId = /^Call-ID: (.*)$/m.exec(fixed.sent('CANCEL').at(-1))[1];
        await until('487', () => fixed.received('SIP/2.0 487').some(text => text.includes(callId)));
        relay.back();
        await mover.hears('registered');
        await fixed.does('write', mover.uri, 'did it ring?');
        await mover.hears('message');
        assert.equal(mover.events.items.filter(({ type }) => type === 'incoming').length, 0);
      });

      test('the connection is reset while it rings, and it answers all the same', async () => {
        await fixed.does('call', mover.uri);
        await mover.hears('incoming');
        await fixed.hears('progress', ({ code }) => code === 180);
        relay.reset();
        await isBack(mover);
        // JsSIP forgets the INVITE with the connection, and is told once more.
        if (library === 'JsSIP') await mover.hears('incoming');
        await mover.does('answer');
        await Promise.all([mover, fixed].map(page => page.hears('confirmed')));
        await fixed.does('hangup');
        await mover.hears('ended');
      });

      test('the connection is reset while it rings, and the caller gives up', async () => {
        await fixed.does('call', mover.uri);
        await mover.hears('incoming');
        await fixed.hears('progress', ({ code }) => code === 180);
        relay.reset();
        await isBack(mover);
        if (library === 'JsSIP') await mover.hears('incoming');
        await fixed.does('hangup');
        await mover.hears(library === 'JsSIP' ? 'failed' : 'cancelled');
      });

      // JsSIP gives its own calls up when the connection is lost before they are answered.
      if (library === 'SIP.js') {
        test('the connection of a caller is reset while the other rings, and the 200 finds it', async () => {
          await mover.does('call', fixed.uri);
          await fixed.hears('incoming');
          await mover.hears('progress', ({ code }) => code === 180);
          relay.reset();
          await isBack(mover);
          await fixed.does('answer');
          await Promise.all([mover, fixed].map(page => page.hears('confirmed')));
          await fixed.does('hangup');
          await mover.hears('ended');
        });
      }

      for (const via of ['UDP', 'TCP']) {
        test(`a call with a phone over ${via} goes on as if nothing had been`, async () => {
          const way = await wayTo(edge, via);
          const phone = await registeredPhone(way, 'called', `phone${i}`, { hangs_up: 'phone' });
          try {
            await mover.does('call', addressOf(`phone${i}`));
            await phone.says('talks');
            relay.reset();
            await isBack(mover);
            await converse(mover, phone, 'phone');
          } finally {
            await phone.stop();
            await way.close();
          }
        });
      }

      test('a page that is closed is gone at once: 480', async () => {
        const leaver = await Softphone.registered(browser, pages, library, { server: edge.url, uri: addressOf(`leaver${i}`), password });
        await leaver.close();
        const started = Date.now();
        await fixed.does('call', leaver.uri);
        await fixed.hears('failed', ({ code }) => code === 480);
        assert.ok(Date.now() - started < 3000, `${Date.now() - started} ms`);
      });
    });
  }
});
