import { writeFileSync } from 'node:fs';
import sharp from 'sharp';

export const handler = async () => {
  const picture = sharp({ create: { width: 1200, height: 800, channels: 3, background: '#336699' } });
  const small = await picture.resize(120, 80).png().toBuffer();
  writeFileSync('/tmp/thumbnail.png', small);
  return small.length;
};
