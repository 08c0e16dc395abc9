// Keeps the suite on this machine: its origin listens on 127.0.0.1, and names below `localhost`, which not every
// resolver knows, are found there. Preloaded into both of its programs with `node --import`.
import dns from 'node:dns'
import net from 'node:net'

const LOOPBACK = '127.0.0.1'

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port) {
  return listen.call(this, { port: Number(port), host: LOOPBACK })
}

const lookup = dns.lookup
dns.lookup = function (name, options, callback) {
  const [settings, done] = typeof options === 'function' ? [{}, options] : [options, callback]
  if (!name.endsWith('.localhost')) return lookup(name, settings, done)
  if (settings.all) return process.nextTick(done, null, [{ address: LOOPBACK, family: 4 }])
  process.nextTick(done, null, LOOPBACK, 4)
}
