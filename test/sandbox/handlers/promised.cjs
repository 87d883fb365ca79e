// A CommonJS module whose exports are a promise: version 3 of the client awaits it, and it is how CommonJS code on
// nodejs22.x, where require() of an ES module is switched off, comes by the library.
const handler = async (event) => [event, typeof require, module.exports === exports];

module.exports =
  process.env.SANDBOX_WRAP === '1'
    ? import(process.env.SANDBOX_LIBRARY ?? '../../../src/index.ts').then(({ withCapture }) => ({
        handler: withCapture(handler),
      }))
    : Promise.resolve({ handler });
