// Stands in for a replica with a long log: says five times how far it is, then that it is ready.
for (let records = 1_000; records <= 5_000; records += 1_000) {
  process.send({ kind: 'replaying', records });
}
const url = 'ws://127.0.0.1:1';
const addresses = { peer: url, client: url, http: 'http://127.0.0.1:1' };
const proof = { key: '00'.repeat(32), sig: '00'.repeat(64) };
process.send({ kind: 'ready', addresses: { ...addresses, ...proof } });
process.on('disconnect', () => process.exit(0));
