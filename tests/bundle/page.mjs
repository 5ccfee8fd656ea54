// The page of bundle.test.ts.
import { connect } from '@fatty/client';

globalThis.connectToFatty = connect;
