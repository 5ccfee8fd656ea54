// Loaded into a process before its program: its connections go through the fault proxy.
import net, { type NetConnectOpts, type Socket, type TcpNetConnectOpts } from 'node:net';
import { basename } from 'node:path';

/** A replica is called as its folder; whoever has another name is told it. */
function ownName(): string {
  const at = process.argv.indexOf('--dir');
  const dir = at < 0 ? undefined : process.argv[at + 1];
  return process.env.CHAOS_NAME ?? (dir === undefined ? 'nobody' : basename(dir));
}

const isTcp = (options: unknown): options is TcpNetConnectOpts =>
  typeof options === 'object' && options !== null && 'port' in options;

const proxyPort = Number(process.env.CHAOS_PROXY);
const direct = net.connect as (options: NetConnectOpts, ...rest: unknown[]) => Socket;

if (proxyPort > 0) {
  const name = ownName();
  // The first line says who dials whom: of all that a socket is told, it is sent first.
  const connect = (options: NetConnectOpts, ...rest: unknown[]): Socket => {
    if (!isTcp(options)) return direct(options, ...rest);
    const socket = direct({ ...options, host: '127.0.0.1', port: proxyPort }, ...rest);
    socket.write(`${name} ${options.port}\n`);
    return socket;
  };
  Object.assign(net, { connect, createConnection: connect });
}
