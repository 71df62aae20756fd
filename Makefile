# Needs GNU make, Node.js 20.19 or later, and npm.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run visited test types tests test-slow build clean bench compat browser replicas test-replicas mutate
.PHONY: mutate-debug format check-format

bin := node_modules/.bin
# To remove types, the compiler need not know them: it checks nothing, and reads no file but those that it compiles.
strip := $(bin)/tsc --noCheck --noResolve --lib es5 --types null
eslint := test/format/node_modules/.bin/eslint --config test/format/eslint.config.js

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { sub("%", "NAME", $$1); printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build/auth.js ## start the sign-in example; PORT=8080 unless set
	@node build/auth.js

visited: build/visited.js ## start the smallest example; PORT=8080 unless set
	@node build/visited.js

# Two jobs at a time, since the compiler uses one core.
test: ## check the types, run the tests, demand full coverage
	@$(MAKE) --no-print-directory --jobs=2 dist/index.js compiled/done
	@$(MAKE) --no-print-directory --jobs=2 types tests

types: dist/index.js
	$(bin)/tsc

tests: dist/index.js compiled/done
	@node test/run.js --coverage $(wildcard test/*/*.test.ts)

test-slow: dist/index.js compiled/done ## prove by volume: what test does a little of, in full; random tests 10 times as long
	@SLOW=1 node test/run.js $$(grep -lE 'support/(volume|seeded-random)' test/*/*.test.ts)

# A file of lib/ has its tests in test/lib; NAME can be any other test file's name, too.
test-%: compiled/done ## run one test file, for example test-codec for test/lib/codec.test.ts
	@node test/run.js $(or $(wildcard test/*/$*.test.ts),$(error no test file is called $*.test.ts))

build: dist/index.js types ## compile lib/ to dist/, and check the types

clean: ## remove what was built
	rm -rf build compiled dist .tap test/browser/screenshots

bench: build ## measure speed; test/bench/README.md says how
	npm --prefix test/bench ci --ignore-scripts
	npm --prefix test/bench start

compat: build ## run the library under frameworks, on Node.js 20 to 26, Bun and Deno
	npm --prefix test/compat ci --ignore-scripts
	npm --prefix test/compat start

browser: build/auth.js build/replicas/run.js ## drive the sign-in example with a real browser
	node test/browser/run.js

replicas: build/replicas/run.js ## start nginx with three machines and Redis behind it; PORT=8443 unless set
	@node build/replicas/run.js

test-replicas: build/replicas/run.js compiled/done ## kill replicas and Redis, change keys, replay logged-out cookies
	SERVICES=1 node test/run.js test/examples/revocations.test.ts
	node test/replicas/run.js

mutate: dist/index.js | test/mutate/node_modules ## break lib/ in every way; a test has to notice each break
	npm --prefix test/mutate run debug
	npm --prefix test/mutate start -- --force

mutate-debug: dist/index.js | test/mutate/node_modules
	npm --prefix test/mutate run debug

mutate-%: dist/index.js | test/mutate/node_modules ## the same for one file of lib/, as far as it or the tests changed
	npm --prefix test/mutate start -- --mutate lib/$*.ts

format: | test/format/node_modules ## correct the style of the code
	$(eslint) --fix .

check-format: | test/format/node_modules ## check the style of the code
	$(eslint) .

node_modules: package-lock.json
	npm ci --ignore-scripts
	touch $@

test/format/node_modules test/mutate/node_modules: %/node_modules: %/package-lock.json
	npm --prefix $* ci --ignore-scripts
	touch $@

# Comments belong into the declarations, which editors show, and not into the code, which they would make half as long
# again. So there are two passes: the second writes the declarations once more.
dist/index.js: $(wildcard lib/*.ts) lib/tsconfig.json tsconfig.json package-lock.json | node_modules
	rm -rf dist
	$(strip) -p lib --removeComments
	$(strip) -p lib --emitDeclarationOnly

# The tests run as JavaScript.
compiled/done: $(wildcard lib/*.ts test/*/*.ts example/*.ts example/*/*.ts example/secured/*) tsconfig.json \
test/compile.json | node_modules
	$(strip) -p test/compile.json
	@cp -R example/secured compiled/example/
	@touch compiled/done

build/%.js: $(shell find example -name node_modules -prune -o -type f -print) dist/index.js
	rm -rf build
	$(bin)/tsc -p example
	cp -R example/secured build/

# The example of several machines is a package of its own, with a client for Redis.
build/replicas/run.js: build/auth.js example/replicas/node_modules
	$(bin)/tsc -p example/replicas
	ln -sfn ../../example/replicas/node_modules build/replicas/node_modules

example/replicas/node_modules: example/replicas/package-lock.json
	npm --prefix example/replicas ci --ignore-scripts
	touch $@
