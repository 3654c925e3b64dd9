'use strict';

// The app of the ladder: one small web server, the same in all six images. It
// answers on PORT (3000 unless set) and runs on Node 10, which Alpine 3.10 has,
// as well as on today's.

const express = require('express');
const helmet = require('helmet');
const morgan = require('morgan');

const port = Number(process.env.PORT || 3000);

const app = express();
app.use(helmet());
app.use(morgan('tiny'));

app.get('/', (request, response) => {
  response.type('text/plain').send(
    `Hello from a small image. Node ${process.version}, uid ${process.getuid()}.\n`
  );
});

app.get('/healthz', (request, response) => {
  response.type('text/plain').send('ok\n');
});

const server = app.listen(port, () => {
  console.log(`listening on port ${server.address().port}`);
});

server.on('error', error => {
  console.error(`cannot listen on port ${port}: ${error.message}`);
  process.exit(1);
});

// As process 1 of a container, node gets no default action for these.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => server.close(() => process.exit(0)));
}
