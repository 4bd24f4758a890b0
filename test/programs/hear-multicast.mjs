// Prints what is said by multicast on the network of the given address: "packet BASE64", one per line.
import { createSocket } from 'node:dgram';

const [, , address] = process.argv;
const socket = createSocket({ type: 'udp4', reuseAddr: true });
socket.on('message', (packet) => process.stdout.write(`packet ${packet.toString('base64')}\n`));
socket.bind(5353, () => {
  socket.addMembership('224.0.0.251', address);
  process.stdout.write('listening\n');
});
