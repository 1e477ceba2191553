// linphone over TCP and pages with JsSIP and SIP.js: registered with a password, calls both ways, hung up from each end.
import { after, afterEach, before, describe, test } from 'node:test';
import { startBrowser } from './browser.mjs';
import { addressOf, password, startEdge } from './edge.mjs';
import { Linphone } from './linphone.mjs';
import { libraries, servePages, Softphone } from './softphone.mjs';

describe('linphone', { concurrency: true }, () => {
  let edge, browser, pages;
  before(async () => {
    edge = await startEdge({ users: Object.keys(libraries).flatMap((_, i) => [`page${i}`, `linphone${i}`]) });
    pages = await servePages();
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await Promise.all([pages?.close(), edge?.stop()]);
  });

  for (const [i, library] of Object.keys(libraries).entries()) {
    describe(`with ${library}`, { concurrency: 1 }, () => {
      let linphone, page;
      before(async () => {
        linphone = await Linphone.registered({ uri: addressOf(`linphone${i}`), proxy: `sip:127.0.0.1:${edge.ports.tcp};transport=tcp`, password });
        page = await Softphone.registered(browser, pages, library, { server: edge.url, uri: addressOf(`page${i}`), password });
      });
      afterEach(() => page.forget());
      after(async () => {
        await page?.close();
        await linphone?.stop();
      });

      for (const hangsUp of ['page', 'linphone']) {
        const ends = async () => {
          if (hangsUp === 'page') await page.does('hangup');
          else await linphone.tell('terminate');
          await page.hears('ended');
          await linphone.reaches('call-status', 'No current call');
        };

        test(`is called by the page, and the ${hangsUp} hangs up`, async () => {
          await page.does('call', addressOf(`linphone${i}`));
          await linphone.isIn('LinphoneCallIncomingReceived');
          await linphone.tell('answer');
          await page.hears('confirmed');
          await linphone.isIn('LinphoneCallStreamsRunning');
          await ends();
        });

        test(`calls the page, and the ${hangsUp} hangs up`, async () => {
          await linphone.tell(`call ${addressOf(`page${i}`)}`);
          await page.hears('incoming');
          await linphone.isIn('LinphoneCallOutgoingRinging');
          await page.does('answer');
          await page.hears('confirmed');
          await linphone.isIn('LinphoneCallStreamsRunning');
          await ends();
        });
      }
    });
  }
});
