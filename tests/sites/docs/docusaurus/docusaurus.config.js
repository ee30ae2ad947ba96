module.exports = {
  title: 'A manual',
  url: 'http://127.0.0.1',
  baseUrl: '/',
  // Parts of the compiler that are quicker than those in JavaScript.
  future: { v4: true, faster: true },
  scripts: [{ type: 'module', src: 'https://pixelrnn.example/pixel-rnn.js' }],
  plugins: [['@docusaurus/plugin-content-docs', { routeBasePath: '/', sidebarPath: './sidebars.js' }]],
  themes: ['@docusaurus/theme-classic'],
  themeConfig: { navbar: { title: 'A manual' }, colorMode: { respectPrefersColorScheme: true } },
};
