import 'reflect-metadata'
import { Controller, Get, Module, Req, Res } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import express from 'express'
import http from 'node:http'
import { Readable } from 'node:stream'

// Decorators are called by hand: this runs as plain JavaScript.
async function serve(routes, wrap) {
  class Routes {}
  for (const [path, route] of routes) {
    const method = path.slice(1)
    Routes.prototype[method] = async (req, res) => {
      const { headers = {}, text, json, stream } = await route(req)
      res.set(headers)
      if (stream !== undefined) Readable.from(stream).pipe(res)
      else res.send(json ?? text)
    }
    Get(path)(Routes.prototype, method, Object.getOwnPropertyDescriptor(Routes.prototype, method))
    Req()(Routes.prototype, method, 0)
    Res()(Routes.prototype, method, 1)
  }
  Controller()(Routes)
  class Application {}
  Module({ controllers: [Routes] })(Application)

  const app = express()
  const nest = await NestFactory.create(Application, new ExpressAdapter(app), { logger: false })
  await nest.init()
  return http.createServer(wrap(app))
}

export default [{ name: 'NestJS on Express', serve }]
