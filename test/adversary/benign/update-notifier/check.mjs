const answer = await fetch('http://198.51.100.20:443/slow');
await answer.text();
await new Promise((done) => setTimeout(done, 500));
