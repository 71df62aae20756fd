/** tap as the compiled tests find it: without its source maps, which take as long to read as many tests take to run. */
process.setSourceMapsEnabled(false)
module.exports = require('../../../node_modules/tap').t // seen from compiled/node_modules/tap
process.setSourceMapsEnabled(true)
