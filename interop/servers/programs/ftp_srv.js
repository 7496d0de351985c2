// An ftp-srv server: FILE PORT. As the JSON file says.
'use strict';

const fs = require('fs');
const { FtpSrv } = require('../../node/node_modules/ftp-srv');
const Connection = require('../../node/node_modules/ftp-srv/src/connection');

const wanted = JSON.parse(fs.readFileSync(process.argv[2]));
const port = process.argv[3];
const variant = wanted.variant;

const options = {
  url: `${variant.endsWith('implicit') ? 'ftps' : 'ftp'}://127.0.0.1:${port}`,
  anonymous: true,
  pasv_url: '127.0.0.1',
};
if (!['plain', 'greeting', 'idle'].includes(variant)) {
  const version = { tls12: 'TLSv1.2', tls13: 'TLSv1.3' }[variant];
  options.tls = {
    cert: fs.readFileSync(wanted.certificate),
    key: fs.readFileSync(wanted.key),
    ...(version && { minVersion: version, maxVersion: version }),
    ...(variant === 'certificate' && {
      ca: fs.readFileSync(wanted.client_ca), requestCert: true, rejectUnauthorized: true,
    }),
  };
}
if (variant === 'greeting') options.greeting = wanted.greeting;
if (variant === 'idle') options.timeout = wanted.idle * 1000;

// It decodes lines as UTF-8; a password that is not UTF-8 cannot arrive whole.
const users = new Map(
  Object.entries(wanted.users).map(([name, hex]) => [name, Buffer.from(hex, 'hex').toString()]),
);
// It begins TLS only when its 234 was written, and takes for commands what came until then: so it loses a ClientHello
// that comes as quickly as on loopback. Here it begins at once.
const { reply } = Connection.prototype;
Connection.prototype.reply = function (options, ...letters) {
  if (options !== 234) return reply.call(this, options, ...letters);
  this.commandSocket.write('234 Honored\r\n');
  return Promise.resolve();
};

const server = new FtpSrv(options);
server.on('login', ({ username, password }, resolve, reject) => {
  const isRight = username === 'anonymous' || users.get(username) === password;
  return isRight ? resolve({ root: wanted.home ?? '/' }) : reject(new Error('Login incorrect'));
});
server.on('client-error', () => {});
server.listen();
