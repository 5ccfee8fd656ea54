// Whether a replica's certificate is one that others take.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { bad, type Finding, good, warning } from './finding.ts';

const DAY_MS = 86_400_000;
/** With fewer days left, it is time. */
const DAYS_MIN = 14;

const RENEW = 'put a new certificate in its place and send SIGHUP';

/** Settings of a replica, as `NodeConfig` has them. */
interface Files {
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly tlsCa: string;
  readonly advertise: string;
  readonly host: string;
}

/** @param nowMs the host's wall clock */
export function examineCertificate(files: Files, nowMs: number): Finding {
  const name = 'certificate';
  if (files.tlsCert === '') return good(name, 'none: links are ws');
  try {
    return judge(files, nowMs);
  } catch (error) {
    return bad(name, (error as Error).message, 'give files in PEM as tlsCert, tlsKey and tlsCa');
  }
}

function judge({ tlsCert, tlsKey, tlsCa, advertise, host }: Files, nowMs: number): Finding {
  const name = 'certificate';
  const [own, ...chain] = certificatesIn(tlsCert);
  if (own === undefined) return bad(name, `${tlsCert} holds no certificate`, RENEW);
  const until = Date.parse(own.validTo);
  const days = Math.floor((until - nowMs) / DAY_MS);
  if (until <= nowMs) return bad(name, `expired ${own.validTo}`, RENEW);
  if (Date.parse(own.validFrom) > nowMs) {
    return bad(name, `not valid before ${own.validFrom}`, 'look at the clock of this host');
  }
  if (!own.checkPrivateKey(createPrivateKey(readFileSync(tlsKey)))) {
    return bad(name, 'tlsKey is not the key of tlsCert', 'give the two that belong together');
  }
  const place = advertise === '' ? host : advertise;
  const fits = isIP(place) === 0 ? own.checkHost(place) : own.checkIP(place);
  if (fits === undefined) {
    const names = own.subjectAltName ?? 'no name';
    return bad(name, `is for ${names}`, `one for ${place}, where others reach this replica`);
  }
  const roots = certificatesIn(tlsCa === '' ? tlsCert : tlsCa);
  if (!leadsTo(own, chain, roots)) {
    return bad(name, 'no authority in tlsCa has signed it', 'all members need its authority');
  }
  if (days < DAYS_MIN) return warning(name, `${days} days left`, RENEW);
  return good(name, `for ${place}, ${days} days left`);
}

function certificatesIn(path: string): X509Certificate[] {
  const pem = readFileSync(path, 'utf8');
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** Whether a chain leads from a certificate to one of the roots. */
function leadsTo(
  from: X509Certificate,
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): boolean {
  const signed = (by: X509Certificate): boolean =>
    from.checkIssued(by) && from.verify(by.publicKey);
  if (roots.some((root) => root.fingerprint256 === from.fingerprint256 || signed(root)))
    return true;
  const next = chain.find(signed);
  const others = chain.filter((one) => one !== next);
  return next !== undefined && leadsTo(next, others, roots);
}
