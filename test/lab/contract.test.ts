import { connect } from '../../src/cloud/index.ts';
import { cloudContract } from '../contract/cloud.ts';

const target = process.env['BALUCHON_LAB_TARGET'] ?? 'beta';
cloudContract(target, () => connect({ cloud: target }));
