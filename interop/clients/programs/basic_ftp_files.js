// basic-ftp with files, as the JSON on standard input says. A line `came: …` for each step.
'use strict';

const fs = require('fs');
const { Readable, Writable } = require('stream');
const { Client } = require('../../node/node_modules/basic-ftp');

async function open(task) {
  const client = new Client(task.timeout * 1000);
  const secureOptions = { ca: fs.readFileSync(task.ca), host: task.host };
  if (task.tls) secureOptions.minVersion = secureOptions.maxVersion = `TLSv${task.tls}`;
  if (task.security === 'implicit TLS') {
    await client.connectImplicitTLS(task.host, task.port, secureOptions);
  } else {
    await client.connect(task.host, task.port);
    if (task.security === 'explicit TLS') await client.useTLS(secureOptions);
  }
  await client.login(task.user, task.password);
  await client.useDefaultSettings();
  return client;
}

const steps = {
  list: async (client, step) => (await client.list(step.remote)).map((one) => one.name),
  get: (client, step) => client.downloadTo(step.local, step.remote),
  'get-rest': (client, step) => client.downloadTo(
    fs.createWriteStream(step.local, { flags: 'a' }), step.remote, step.offset),
  put: (client, step) => client.uploadFrom(step.local, step.remote),
  append: (client, step) => client.appendFrom(step.local, step.remote),
  // It resumes by appending: https://github.com/patrickjuchli/basic-ftp#readme.
  'put-rest': (client, step) => client.appendFrom(step.local, step.remote, {
    localStart: step.offset }),
  rename: (client, step) => client.rename(step.remote, step.to),
  delete: (client, step) => client.remove(step.remote),
  mkdir: (client, step) => client.send(`MKD ${step.remote}`),
  rmdir: (client, step) => client.removeEmptyDir(step.remote),
  'get-tree': (client, step) => client.downloadToDir(step.local, step.remote),
  'put-tree': (client, step) => client.uploadFromDir(step.local, step.remote),
  'cut-put': (client, step) => {
    let sent = false;
    const source = new Readable({
      read() {
        if (!sent) this.push(Buffer.alloc(1 << 20));
        sent = true;
      },
    });
    return client.uploadFrom(source, step.remote);
  },
};

// It gives a transfer up by closing all, and logs in again.
async function cutGet(client, step) {
  let came = 0;
  const sink = new Writable({
    write(chunk, _, done) {
      came += chunk.length;
      if (came > 100000) client.close();
      done();
    },
  });
  try {
    await client.downloadTo(sink, step.remote);
  } catch {
    return 'ok';
  }
  return 'all came';
}

async function main() {
  const task = JSON.parse(fs.readFileSync(0));
  let client = await open(task);
  for (const step of task.steps) {
    let came = 'ok';
    try {
      if (client.closed) client = await open(task);
      if (step.verb === 'cut-get') {
        came = await cutGet(client, step);
      } else {
        const result = await steps[step.verb](client, step);
        if (step.verb === 'list') came = result;
      }
    } catch (error) {
      came = `${error.message}`;
    }
    console.log(`came: ${JSON.stringify(came)}`);
  }
  client.close();
}

main();
