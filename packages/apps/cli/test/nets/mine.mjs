import { NETS } from '@fatty/testnet';

const { orswot } = NETS;

/** Somebody's own net: small worlds, and nothing that has to be reached. */
export default {
  ...orswot,
  name: 'mine',
  size: {
    ...orswot.size,
    replicas: [4],
    opsMin: 1,
    opsMax: 3,
    busyMs: 300,
    faultsMax: 0,
    realSignaturesOneIn: 1000,
  },
  wants: {},
};
