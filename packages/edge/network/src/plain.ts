/** A host as URLs have it: IPv6 addresses in brackets. */
export function urlHost(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

/** Whether a URL leads out of this machine without TLS: whoever is on the path reads and writes. */
export function isPlainBeyond(url: string): boolean {
  if (!/^(ws|http):/i.test(url) || !URL.canParse(url)) return false;
  return !isLoopback(new URL(url).hostname);
}

/** Spelled as `URL` spells host names: each address in one way only. */
function isLoopback(name: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  return /^127(\.\d+){3}$/.test(name) || name === '[::1]' || name.startsWith('[::ffff:7f');
}
