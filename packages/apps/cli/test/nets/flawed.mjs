export const flawed = { name: 'flawed', size: { replicas: [3] }, act: 1 };
