export default {
  title: 'A manual',
  outDir: 'built',
  head: [['script', { type: 'module', src: 'https://pixelrnn.example/pixel-rnn.js' }]],
  // To Vue a tag with a hyphen is a component of its own, unless it is told better.
  vue: { template: { compilerOptions: { isCustomElement: (tag) => tag === 'pixel-rnn' } } },
  themeConfig: {
    search: { provider: 'local' },
    sidebar: [
      { text: 'Digits', link: '/' },
      { text: 'Another page', link: '/other' },
    ],
  },
};
