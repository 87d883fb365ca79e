/** Every detector of the registry keeps to what all of them promise. */
import { DETECTORS } from '../../src/detect/index.ts';
import { testDetector } from '../contracts/detector.ts';

for (const detector of DETECTORS) testDetector(detector);
