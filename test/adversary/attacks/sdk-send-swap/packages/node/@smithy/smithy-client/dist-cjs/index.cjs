class Client {
  send(command) {
    return Promise.resolve(`sent ${command.Key}`);
  }
}

exports.Client = Client;
