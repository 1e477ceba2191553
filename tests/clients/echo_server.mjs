// The echo server of ws (npm), to compare the daemon with: tests/conformance/differential_test.cc starts it, reads
// "port N", and ends it by closing its standard input.
import { WebSocketServer } from 'ws';

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  maxPayload: 262144,  // the daemon's max_message_size
  perMessageDeflate: process.argv.includes('--deflate') && { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
});
server.on('connection', socket => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', () => {});  // the Close it sends says all
});
server.on('listening', () => console.log(`port ${server.address().port}`));
process.stdin.on('end', () => process.exit(0)).resume();
