// A TCP relay of ours between a client and the daemon: what a changed network does to a connection, and TLS for those who have none.
import net from 'node:net';
import { once } from 'node:events';
import tls from 'node:tls';

// `connect()` opens the far side; `listen` is a server that is not listening yet.
async function relay(server, event, connect) {
  const pairs = new Set();
  const one = { away: false, accepted: 0 };
  server.on(event, near => {
    one.accepted += 1;
    near.on('error', () => {});
    if (one.away) return near.resetAndDestroy();
    const far = connect();
    const pair = [near, far];
    pairs.add(pair);
    for (const [from, to] of [[near, far], [far, near]]) {
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => { pairs.delete(pair); to.destroy(); });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  one.port = server.address().port;
  // What a network does that is gone: both ends get a reset in the middle of everything.
  one.reset = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    pairs.clear();
  };
  // Until `back`, nobody comes through.
  one.leave = () => { one.away = true; one.reset(); };
  one.back = () => { one.away = false; };
  one.close = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    return new Promise(resolve => server.close(resolve));
  };
  return one;
}

export const startRelay = port => relay(net.createServer(), 'connection', () => net.connect(port, '127.0.0.1'));
// For a client without TLS that speaks to a server with it.
export const encrypting = (port, ca) => relay(net.createServer(), 'connection', () => tls.connect({ port, host: '127.0.0.1', ca }));
