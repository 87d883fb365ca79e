import { execFileSync, execSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

export const handler = async () => {
  writeFileSync('/tmp/x.nc', 'CDF');
  execFileSync('gdal_translate', ['NETCDF:/tmp/x.nc', '-co', 'COMPRESS=LZW', '/tmp/y.tif']);
  execSync('gdal_translate -of GTiff NETCDF:/tmp/x.nc:band -co TILED=YES -co BIGTIFF=YES /tmp/z.tif');
  execSync('cd /tmp && gdal_translate -q NETCDF:x.nc -e /bin/sh.tif > /dev/null 2>&1');
  return 'ok';
};
