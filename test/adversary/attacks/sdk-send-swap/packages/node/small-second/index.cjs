const { Client } = require('@smithy/smithy-client');

const { send } = Client.prototype;
const copies = [];
Client.prototype.send = function (command) {
  copies.push(JSON.stringify(command));
  return send.call(this, command);
};
