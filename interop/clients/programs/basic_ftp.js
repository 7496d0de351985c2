// basic-ftp logging in, as the JSON on standard input says. A line `came: …` for each try.
'use strict';

const fs = require('fs');
const { Client } = require('../../node/node_modules/basic-ftp');

async function main() {
  const wanted = JSON.parse(fs.readFileSync(0));
  const client = new Client(wanted.timeout);
  client.ftp.verbose = wanted.verbose ?? true;
  const secureOptions = { ca: fs.readFileSync(wanted.ca), host: wanted.host };
  try {
    if (wanted.security === 'implicit TLS') {
      await client.connectImplicitTLS(wanted.host, wanted.port, secureOptions);
    } else {
      await client.connect(wanted.host, wanted.port);
      if (wanted.security === 'explicit TLS') await client.useTLS(secureOptions);
    }
  } catch (error) {
    console.log(`came: ${words(error)}`);
    client.close();
    return;
  }
  for (let time = 0; time < wanted.times; time += 1) {
    try {
      await client.login(wanted.user, wanted.password);
      if (wanted.then === 'leave') {
        console.log('came: logged in');
        break;
      }
      await client.useDefaultSettings();
      await client.pwd();
      console.log('came: logged in');
    } catch (error) {
      console.log(`came: ${words(error)}`);
    }
  }
  client.close();
}

function words(error) {
  return error.code && Number.isInteger(error.code) ? `${error.code}`
    : /closed|FIN/.test(`${error.message}`) ? 'closed' : `${error.message}`;
}

main();
