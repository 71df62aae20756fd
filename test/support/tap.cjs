/** tap as the compiled tests find it: without its source maps, which take as long to read as many tests take to run. */
const { NODE_V8_COVERAGE } = process.env // for which node reads them, too
delete process.env.NODE_V8_COVERAGE
process.setSourceMapsEnabled(false)
module.exports = require('../../../node_modules/tap').t // seen from compiled/node_modules/tap
process.setSourceMapsEnabled(true)
if (NODE_V8_COVERAGE) process.env.NODE_V8_COVERAGE = NODE_V8_COVERAGE
