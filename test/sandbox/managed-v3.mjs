// How nodejs22.x starts version 3 of the client: the handler is read from the environment after the preloads have run.
// The package's own program takes it from its arguments, which a preload cannot change.
import { run } from './clients/node_modules/ric3/dist/index.mjs';

await run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
