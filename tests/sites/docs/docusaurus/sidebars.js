module.exports = { manual: ['index', 'other'] };
