"""Golden texts of chat templates, rendered by Jinja 3.1 in the sandbox that Hugging Face transformers sets up.

Writes tests/Ration.Tests/Golden/chat-templates.json:
    variables        what expressions and templates may use besides the conversation
    expressions      {source: text}, each rendered as {{ source }}; null where Jinja fails
    templates        [{source, text}], text null where Jinja fails
    conversations    {name: inputs}
    models           {file: {conversation: text}}, of the templates in the folder given (models' own templates, which are not
                     kept here); null where the template fails or refuses

    python3 -m pip install jinja2==3.1.6
    python3 tests/golden/make_chat_template_golden.py [folder of *.jinja]

Without a folder the models' texts stay as they are.
"""
import datetime
import json
import pathlib
import sys

import jinja2
import jinja2.ext
import jinja2.nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

OUT = pathlib.Path(__file__).resolve().parents[1] / "Ration.Tests" / "Golden" / "chat-templates.json"
NOW = datetime.datetime(2025, 3, 7, 9, 5, 3)


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_support"), [], [], body).set_lineno(line)

    def _support(self, caller):
        return caller()


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


ENV = environment()


def render(source, variables):
    try:
        return ENV.from_string(source).render(**variables)
    except Exception:  # whatever Python raises is a template that fails
        return None


VARIABLES = {
    "text": "Hello, World", "empty": "", "spaces": "  \t a b \n ", "emoji": "a😀b🎉c", "lines": "one\ntwo\r\nthree\n\nfive", "quotes": "it's \"so\"",
    "html": "<a href='x'>&\"</a>", "number": 42, "negative": -7, "real": 2.5, "small": 0.00001, "large": 1e16, "third": 0.1, "big": 18446744073709551615,
    "yes": True, "no": False, "nothing": None,
    "list": [3, 1, 2], "words": ["banana", "Apple", "cherry", "apple"], "nested": [[1, 2], [3, 4]], "nil": [],
    "dict": {"b": 1, "a": 2, "items": "shadow", "C": None}, "none_dict": {},
    "people": [{"name": "Ann", "age": 30, "home": {"city": "Rome"}}, {"name": "Bob", "age": 25, "home": {"city": "Oslo"}},
               {"name": "Cid", "age": 30, "home": {"city": "Rome"}}, {"name": "Dee"}],
    "mixed": {"s": "ü\n\u2028\u0007\"\\/<>&'😀", "n": None, "t": True, "f": 1.0, "l": [1, [2, []], {}], "i": -3, "e": 1e-7},
}

EXPRESSIONS = r"""
1 + 2 * 3 - 4
7 / 2
6 / 2
7 // 2
-7 // 2
7 % 3
-7 % 3
7 % -3
7.5 % 2
-7.5 // 2
2 ** 10
2 ** -1
2 ** 3 ** 2
-2 ** 2
1 / 0
1 % 0
1.0 // 0
0x1F + 0b101 + 0o17 + 1_000
1e3
1.5e-3
.5
3.0
1e16
123456789012345680.0
1e22
0.0001
0.00001
1e100
-0.0
number + real
number + yes
yes + yes
text + number
number + text
nothing + 1
text * 2
2 * text
text * -1
list * 2
list + [4]
list + (4,)
(1, 2) + (3,)
[1] + words
text ~ number ~ nothing ~ yes ~ real ~ list ~ missing
+number
-real
-text
1 + 2 ~ 3 + 4
'a' 'b' "c"
'tab\there\n\x41\u00e9\U0001F600\101\q\\\'\"'
"it's"
'\N'
1 < 2
1 < 2 < 3
1 < 3 < 2
3 > 2 >= 2 == 2 != 3
1 == 1.0
1 == True
'a' < 'b'
'a' < 1
'B' < 'a'
[1, 2] < [1, 3]
[1, 2] == [1, 2]
(1, 2) == [1, 2]
{'a': 1} == {'a': 1.0}
{'a': 1, 'b': 2} == {'b': 2, 'a': 1}
nothing == none
missing == missing2
missing == none
missing == ''
not yes
not nothing and yes
yes and 'x' or 'y'
no or '' or nil
1 and 0
'' or 'default'
'ell' in text
'xyz' not in text
3 in list
'b' in dict
'z' in dict
1 in text
1 in number
'a' in missing
missing in list
not 1 in list
'yes' if yes else 'no'
'yes' if no
('yes' if no) is defined
1 if no else 2 if no else 3
text[0]
text[-1]
text[100]
text[1:4]
text[:-1]
text[-3:]
text[::-1]
text[::2]
text[5:1]
text[10:0:-3]
text[-100:100]
text[::0]
emoji[1]
emoji[-2]
emoji[1:4]
emoji[::-1]
emoji | length
emoji | list
emoji.find('c')
emoji.index('🎉')
list[0]
list[-1]
list[5]
list[1:]
list[::-1]
list[True]
list['x']
list[1.0]
nested[1][0]
nested.1.0
dict.b
dict['b']
dict.missing
dict['missing']
dict['items']
dict.items()
dict.keys()
dict.values()
dict.get('b')
dict.get('zz')
dict.get('zz', 'd')
dict['get']('a')
dict[nothing]
dict[list]
dict[1:2]
missing
missing.attribute
missing['item']
missing + 1
'x' + missing
missing()
missing | length
missing | list
missing[0:1]
nothing.attribute
nothing.attribute is defined
nothing.attribute.more
number.attribute
text.attribute
text()
number()
yes
nothing
real
big
big + 0.0
list
words
dict
people[0]
nested
(1,)
()
(1, 'a', none, true)
{'a': (1, 2.5)}
{1: 'x', none: 2, true: 3}
{1: 'a', 1.0: 'b', true: 'c'}
{'a': 1, 'a': 2}
[quotes, "it's", 'say "x"', 'a\\b', 'tab\t', emoji, '\x7f', 'é', '\u200b']
text is defined
missing is defined
missing is undefined
missing is not defined
nothing is none
nothing is defined
text is string
number is string
number is number
yes is number
real is number
number is integer
yes is integer
real is float
yes is boolean
1 is boolean
yes is true
1 is true
no is false
dict is mapping
list is mapping
list is sequence
text is sequence
dict is sequence
number is sequence
list is iterable
number is iterable
text is iterable
dict.items() is sequence
range(3) is sequence
missing is iterable
missing is sequence
nothing is iterable
range is callable
text is callable
number is odd
number is even
negative is odd
number is divisibleby 7
number is divisibleby(5)
number is eq 42
number is equalto(42)
number is ne 42
number is gt 41
number is ge 42
number is lt 42
number is le 41
number is in [41, 42]
'abc' is lower
'ABC' is upper
'123' is lower
nothing is sameas none
yes is sameas true
1 is sameas true
list is sameas list
[1] is sameas [1]
'trim' is filter
'odd' is test
text is nosuchtest
text | nosuchfilter
list is in [[3, 1, 2]]
1 is defined is defined
not missing is defined
1 + 2 is odd
(1 + 2) is odd
'  x ' | trim ~ '|'
'xxabxx' | trim('x')
number | trim
nothing | trim
text | length
list | length
dict | count
number | length
missing | default('d')
missing | default
nothing | default('d')
nothing | default('d', true)
'' | d('e', boolean=true)
list | join(', ')
list | join
list | join(missing)
words | join('-') | upper
people | join('/', attribute='name')
people | join('/', attribute='age')
text | join('.')
list | first
list | last
nil | first
nil | last
'' | first
dict | first
dict | last
dict | list
text | list
list | sort
list | sort(reverse=true)
words | sort
words | sort(case_sensitive=true)
words | sort(true)
people[:3] | sort(attribute='age') | map(attribute='name') | list
people[:3] | sort(attribute='age,name', reverse=true) | map(attribute='name') | list
[1, 'a'] | sort
people | sort(attribute='age')
words | unique | list
words | unique(case_sensitive=true) | list
people | unique(attribute='home.city') | map(attribute='name') | list
list | reverse | list
text | reverse
list | min
list | max
words | min
words | max
nil | max
people[:3] | max(attribute='age')
list | sum
people[:3] | sum(attribute='age')
people[:3] | sum('age', 100)
[[1], [2]] | sum(start=[])
words | sum
list | map('string') | join('+')
words | map('upper') | list
words | map('replace', 'a', 'o') | list
words | map('default', 'x', boolean=true) | list
people | map(attribute='home.city') | list
people | map(attribute='home.city', default='none') | list
people | map(attribute='age', default=0) | list
nested | map(attribute=0) | list
nested | map('first') | list
nested | map('sum') | sum
words | map
words | map('nosuch') | list
list | select | list
list | select('odd') | list
list | reject('odd') | list
list | select('gt', 1) | list
list | select('greaterthan', 1) | list
words | reject('equalto', 'apple') | join(',')
words | select('in', ['apple', 'cherry']) | list
people | selectattr('age') | map(attribute='name') | list
people | selectattr('age', 'defined') | list | length
people | rejectattr('age', 'defined') | list
people | selectattr('age', 'equalto', 30) | map(attribute='name') | join
people | selectattr('home.city', '==', 'Oslo') | list
people | rejectattr('name', 'in', ['Ann', 'Bob']) | map(attribute='name') | list
(list | select('odd')) is iterable
(list | select('gt', 100)) and 'always'
list | select | length
list | map('string')
(list | map('string'))[0]
list | select | last
list | select | first
dict | items | list
missing | items | list
text | items | list
dict | dictsort
dict | dictsort(true)
dict | dictsort(reverse=true)
{'x': 2, 'y': 1} | dictsort(by='value')
dict | dictsort(by='other')
text | upper
text | lower
'hello wORLD' | capitalize
'hello wORLD-foo (bar) it\'s' | title
'hello wORLD-foo (bar) it\'s 3rd'.title()
'ß' | upper
text | replace('l', 'L')
text | replace('l', 'L', 1)
text | replace('', '-')
text | replace('', '-', 3)
text.replace('o', '0', 1)
'aaa'.replace('aa', 'b')
number | replace('4', 'x')
html | escape
html | e | length
number | string
nothing | string
list | string
'3' | int
'3.7' | int
'x' | int
'x' | int(5)
'ff' | int(base=16)
'0x1f' | int(0, 16)
'101' | int(base=2)
3.99 | int
-3.99 | int
nothing | int
yes | int
list | int
'1_000' | int
' 12 ' | int
'3.5' | float
'x' | float
'1e3' | float
3 | float
nothing | float(1.5)
-3 | abs
-2.5 | abs
text | abs
2.5 | round
3.5 | round
2.675 | round(2)
2.567 | round(1)
2.567 | round(1, 'ceil')
2.567 | round(1, 'floor')
1234.5 | round(-2)
7 | round
7 | round(1, 'floor')
1 | round(method='x')
'%.2f' | format(3.14159)
'%s is %d years, %5.1f%%' | format('Ann', 30, 99.55)
'%(a)s-%(b)03d' | format(a='x', b=7)
'%s' % 'x'
'%s and %s' % ('x', 'y')
'%s' % list
'%d' % 3.7
'%x %X %o %c' % (255, 255, 8, 'z')
'%5s|%-5s|%05d|%+d|% d' % ('a', 'b', 42, 5, 6)
'%r' % 'it'
'%e %E' % (12345.678, 0.00012)
'%g %g %g' % (1234567.0, 0.0001, 100000.0)
'%g' % 1e-5
'%.3s' % 'abcdef'
'%(b)s' % dict
'%s' % (1, 2)
'%s %s' % 'x'
'%d' % 'x'
'%q' % 1
'100%'  % ()
'{} {}'.format(1, 'b')
'{0}-{1}-{0}'.format('a', 'b')
'{x}{{}}{y}'.format(x=1, y=2)
'{:>5}|{:<5}|{:^5}|{:05d}|{:.2f}|{:,}'.format('a', 'b', 'c', 42, 3.14159, 1234567)
'{:*^9}'.format('mid')
'{!r}'.format('a')
'{}'.format()
'{'.format(1)
'one\ntwo\n\nthree' | indent
'one\ntwo\n\nthree' | indent(2, true)
'one\ntwo\n\nthree' | indent(2, blank=true)
'one\ntwo' | indent('> ', first=true)
'one\ntwo\n' | indent(2)
'foo bar baz qux' | truncate(9)
'foo bar baz qux' | truncate(9, true)
'foo bar baz qux' | truncate(11)
'foo bar baz qux' | truncate(11, false, '...', 0)
'foo' | truncate(1)
'a b  c_d e-f' | wordcount
'x' | center(5) ~ '|'
'xy' | center(5) ~ '|'
[1, 2, 3, 4, 5] | batch(2) | list
[1, 2, 3, 4, 5] | batch(2, 0) | list
[1, 2, 3, 4, 5] | slice(3) | list
[1, 2, 3, 4] | slice(3, 'x') | list
people[:3] | groupby('age') | list | length
people[:3] | groupby('home.city') | map('first') | list
dict | attr('b')
text | attr('upper') is callable
mixed | tojson
mixed | tojson(indent=2)
mixed | tojson(indent=4)
mixed | tojson(ensure_ascii=true)
mixed | tojson(separators=(',', ':'))
dict | tojson(sort_keys=true)
people | tojson(2)
people | tojson(indent='\t')
[] | tojson(indent=2)
{'a': [], 'b': {}} | tojson(indent=2)
{1: 2, none: 3, true: 4, 1.5: 5} | tojson
(1, 2) | tojson
'é"\\' | tojson
missing | tojson
range(2) | tojson
dict.items() | tojson
list | tojson | length
dict.items() | list | tojson
big | tojson
1e16 | tojson
text | safe | upper
spaces.strip() ~ '|'
spaces.lstrip() ~ '|'
spaces.rstrip() ~ '|'
'xyxhixy'.strip('xy')
'xyxhixy'.lstrip('xy')
'xyxhixy'.rstrip('xy')
'a,b,,c'.split(',')
'a,b,,c'.split(',', 1)
'a,b,,c'.rsplit(',', 1)
' a  b c '.split()
' a  b c '.split(none, 1)
' a  b c '.rsplit(none, 1)
''.split()
''.split(',')
'abc'.split('')
'a,b'.split(sep=',', maxsplit=0)
lines.splitlines()
lines.splitlines(true)
'a-b-c'.partition('-')
'a-b-c'.rpartition('-')
'abc'.partition('-')
'abc'.rpartition('-')
text.startswith('Hell')
text.startswith(('x', 'H'))
text.startswith('World', 7)
text.endswith('World')
text.endswith('')
text.upper()
text.lower()
text.swapcase()
'hello World'.capitalize()
', '.join(words)
'-'.join('abc')
','.join([1, 2])
','.join(words | map('lower'))
text.find('o')
text.find('o', 5)
text.find('zz')
text.rfind('o')
text.index('zz')
text.count('l')
text.count('')
'foobar'.removeprefix('foo')
'foobar'.removesuffix('bar')
'12'.isdigit()
''.isdigit()
'ab'.isalpha()
'a1'.isalnum()
'  '.isspace()
'Ab'.isupper()
'ab'.islower()
'7'.zfill(3)
'-7'.zfill(3)
'x'.center(4, '*')
'x'.ljust(3) ~ '|'
'x'.rjust(3, '.')
list.index(1)
list.index(9)
list.count(1)
list.append(4)
list.pop()
list.sort()
list.append is defined
dict.update({'x': 1})
dict.pop('a')
dict.pop is defined
dict.copy()
text.__class__
text.nosuch()
range(5) | list
range(2, 8, 3) | list
range(5, 0, -2) | list
range(0) | list
range(3)[1]
range(3)[::-1] | list
range(1, 2, 0)
range(1000000)
range(-5) | list
dict(a=1, b=2)
dict({'x': 1}, y=2)
namespace(a=1).a
namespace(a=1).b
namespace(value=7).value
dict(value=1, self=2)
dict([['a', 1], ['b', 2]])
nothing | select | list
nothing | selectattr('x') | list
nothing | map('upper') | list
no | reject | list
number | select | list
namespace({'k': 'v'}).k
strftime_now('%d %b %Y')
strftime_now('%A, %B %d, %Y %H:%M:%S %p %j %y %I %-d %-m %e %% %a %F %T')
raise_exception('no')
text.upper().lower().title()
text | upper | lower | title
(text | upper)[0:3]
text | upper ~ 'x'
-1 | abs
[1, 2, 3][-1]
{'a': {'b': [1, 2]}}.a.b[1]
'a' if 1 == 1 and not 2 == 3 else 'b'
1 if missing else 2
1,
1, 2
[1, 2,]
{'a': 1,}
(1, 2,)
text | replace('Hello', 'Bye') | length > 3
words[0] | length == 6 and 'ok'
caller
loop
"a" in ["a"] | list
[i for i in list]
1 +
(1
1)
{'a': 1
'open
text |
text is
text.
text[1
f(*list)
range(*[1, 4]) | list
dict(**{'q': 1})
cycler('a', 'b').next()
joiner('x')()
text.format
list | random | string | length
'a\
b'
"%s" | format(text | upper)
99999999999999999999
9223372036854775807
""".strip("\n").split("\n")

TEMPLATES = [
    "plain text", "", "\n", "a\n", "a\n\n", "a\r\nb\rc\n", "{{ 1 }}\n{{ 2 }}\n",
    "{% if yes %}\nx\n{% endif %}\ny", "  {% if yes %}  \n  x\n  {% endif %}\ny", "a {% if yes %} b {% endif %} c",
    "  {{ 1 }}  \n  {{- 2 -}}  \n  3", "a\n  {%- if yes -%}\n  b\n  {%- endif -%}\n  c", "  {%+ if yes %}x{%+ endif %}\n", "{% if yes +%}\nx{% endif %}",
    "a{# comment #}b\n  {# own line #}\nc {#- tight -#} d\n{#+ plus +#}\ne", "{#- a -#}{#-#}x", "{# a {{ b }} {% c %} #}x", "{# never ends",
    "{% raw %}{{ not }} {% if %}{# x #}{% endraw %}!", "  {% raw %}\n  a\n  {% endraw %}\nb", "x {%- raw -%} y {%- endraw -%} z", "{% raw %}a",
    "{{ '}}' }} {{ \"%}\" }} {{ {'a': {'b': 1}}.a }}", "{{ {'a': {'b': 1}} }}", "{ { } } {a} % }", "{", "a{", "{{", "{%", "{{ 1", "{% if", "}}", "%}",
    "{% if no %}a{% elif nothing %}b{% elif yes %}c{% else %}d{% endif %}", "{% if no %}a{% else %}b{% endif %}", "{% if yes: %}a{% endif %}",
    "{% for x in list %}{{ x }},{% endfor %}", "{% for x in nil %}a{% else %}none{% endfor %}", "{% for x in list if x > 1 %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% else %}e{% endfor %}",
    "{% for x in list if x > 9 %}a{% else %}none{% endfor %}",
    "{% for a, b in nested %}{{ a }}-{{ b }};{% endfor %}", "{% for k, v in dict.items() %}{{ k }}={{ v }};{% endfor %}", "{% for (a, b) in nested %}{{ b }}{% endfor %}", "{% for a, b in list %}{% endfor %}",
    "{% for k in dict %}{{ k }}{% endfor %}", "{% for c in emoji %}[{{ c }}]{% endfor %}", "{% for x in missing %}a{% else %}b{% endfor %}", "{% for x in nothing %}{% endfor %}", "{% for x in 5 %}{% endfor %}",
    "{% for x in list %}{{ [loop.index, loop.index0, loop.revindex, loop.revindex0, loop.first, loop.last, loop.length, loop.depth, loop.previtem, loop.nextitem] }}\n{% endfor %}",
    "{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }} {{ loop.cycle('a', 'b') }} {% endfor %}",
    "{% for x in words %}{% for y in list %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}",
    "{% for x in range(9) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}", "{% for x in list %}{% if x == 1 %}{% break %}{% endif %}{% else %}e{% endfor %}", "{% break %}",
    "{% for x in words | map('upper') | select('ne', 'APPLE') %}{{ x }}{{ ',' if not loop.last }}{% endfor %}", "{% for x in 1, 2, 3 %}{{ x }}{% endfor %}",
    "{% for x in list recursive_is_a_name %}{% endfor %}",
    "{% for x in list %}{{ loop.nosuch is defined }}{% endfor %}",
    "{% set a = 1 %}{{ a }}{% set a = a + 1 %}{{ a }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = list %}", "{% set a = 1, 2 %}{{ a }}", "{% set (a, b) = (1, 2) %}{{ b }}",
    "{% set a = 0 %}{% for x in list %}{% set a = a + x %}{{ a }}{% endfor %}{{ a }}", "{% set a = 0 %}{% if yes %}{% set a = 5 %}{% endif %}{{ a }}",
    "{% for x in list %}{% set z = x %}{% endfor %}{{ z is defined }}", "{% set ns = namespace(n=0, s='') %}{% for x in list %}{% set ns.n = ns.n + x %}{% set ns.s = ns.s ~ x %}{% endfor %}{{ ns.n }} {{ ns.s }} {{ ns['n'] }}",
    "{% set dict.x = 1 %}", "{% set list[0] = 1 %}", "{% set missing.x = 1 %}", "{% set true = 1 %}", "{% set a.b.c = 1 %}",
    "{% set a %}x{{ 1 }}y{% set q = 3 %}{% endset %}[{{ a }}] {{ q is defined }} {{ a | length }}", "{% set a | upper | replace('X', 'z') %}x y{% endset %}{{ a }}",
    "{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=5, a=4) }} {{ m() }}", "{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}{{ m(1, 2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, x=2) }}", "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}", "{% macro m(a, b=1, c) %}{% endmacro %}",
    "{% set g = 1 %}{% macro m() %}{{ g }}{% set g = 9 %}{{ g }}{% endmacro %}{{ m() }}{{ g }}{% set g = 2 %}{{ m() }}", "{{ m() }}{% macro m() %}{% endmacro %}", "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}body {{ number }}{% endcall %}", "{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b=7) m() %}{{ a }}{{ b }}{% endcall %}", "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}",
    "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}", "{% call 1 %}{% endcall %}", "{% macro m(x) %}\n  {{- x }}\n{%- endmacro %}\n[{{ m('a') }}] {{ m('b') | upper }} {{ m.name }}",
    "{% for x in list %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}", "{% for x in list %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
    "{% filter upper %}abc {{ text }}{% endfilter %}", "{% filter replace('a', 'b') | upper %}aXa{% endfilter %}", "{% with a = 1, b = number %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}", "{% with %}{% set a = 1 %}{{ a }}{% endwith %}{{ a }}",
    "{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}",
    "{% generation %}x {{ number }}{% set w = 1 %}{% endgeneration %}{{ w is defined }}", "{%- for x in list -%}\n {% generation %}\n {{ x }}\n {% endgeneration %}\n{%- endfor -%}",
    "{% nosuch %}", "{% endif %}", "{% if yes %}", "{% for x in list %}", "{% if yes %}{% endfor %}", "{% else %}", "{% if %}{% endif %}", "{% for x list %}{% endfor %}", "{% set %}", "{% set a = %}", "{% macro %}{% endmacro %}", "{% if yes %}a{% else %}b{% else %}c{% endif %}",
    "{{ }}", "{{ 1 2 }}", "{% if yes %}{{ }}{% endif %}", "{{ text | upper() }}", "{{ text|upper|lower }}", "{{text}}", "{{-text-}}", "{{ - 1 }}", "{{ +1 }}{{ --1 }}{{ -(-1) }}", "{{ not not yes }}",
    "{{ 'a' ~ 'b' if yes else 'c' }}", "{{ ('a' if no else 'b') ~ 'c' }}", "{{ text if text is string and text | length > 3 else 'short' }}",
    "{% set x = [] %}{% set x = x + [1] %}{% set x = x + [2] %}{{ x }}", "{% set d = dict(a=1) %}{% set d = dict(d, b=2) %}{{ d }}",
    "{% set g = list | map('string') %}{{ g | join }}{{ g | join }}", "{% set j = joiner('; ') %}{% for x in list %}{{ j() }}{{ x }}{% endfor %}", "{% set c = cycler('a', 'b') %}{% for x in list %}{{ c.next() }}{% endfor %}{{ c.current }}",
    "{% for g in people[:3] | groupby('age') %}{{ g[0] }}:{% for p in g[1] %}{{ p.name }}{% endfor %};{% endfor %}", "{% for k, g in people | groupby('age', default=0) %}{{ k }}={{ g | length }} {% endfor %}",
    "{{ people[0].home.city }}", "{% if 'name' in people[0] and people[0]['name'] %}{{ people[0].name }}{% endif %}", "{% if list | selectattr('x') %}a{% endif %}{% if list | select('gt', 99) | list %}b{% endif %}",
    "{% set content = '<think>a</think>b' %}{{ content.split('</think>')[-1].lstrip('\\n') }}|{{ content.split('</think>')[0].rstrip('\\n').split('<think>')[-1] }}",
    "line1\n{%- if yes %}\n\n  line2\n{%- endif %}\n\nline3\n", "\t{% if yes %}\t\n\tx{% endif %}", "x\u00a0{%- if yes %}y{% endif %}", "{{ 'a' }}{% if yes %}\n\n{% endif %}b", "{{ 'a' }}  {% if yes %}b{% endif %}", "{{ 'a\n' }}  {% if yes %}b{% endif %}",
    "{{ text }}\n   {%- set a = 1 %}\n   {%- set b = 2 -%}\n   end", "{{\n  1\n  +\n  2\n}}", "{%\n if yes\n%}x{%\n endif\n%}", "{% if yes %}{% raw %} {{ {% endraw %}{% endif %}",
    "{% for x in list -%}  {{ x }}  {%- endfor %}", "{{ 1 if yes else }}", "{{ a.b.c }}", "{{ raise_exception('stop ' ~ number) }}", "{% if no %}{{ raise_exception('x') }}{% endif %}ok", "{% if no %}{{ x | nosuchfilter }}{% endif %}ok",
    "{% import 'x' as y %}", "{% include 'x' %}", "{% extends 'x' %}", "{% do list.append(1) %}",
]

CALL = {"type": "function", "id": "call12345", "function": {"name": "get_weather", "arguments": {"city": "Zürich", "days": 3}}}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather's \"forecast\" <of> a city & more.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "description": "Name"}, "days": {"type": "integer", "default": 1}, "scale": {"type": "number", "maximum": 1.5}}, "required": ["city"]}}}
USER, ASSISTANT = {"role": "user", "content": " What's 2 + 2? <b>\n"}, {"role": "assistant", "content": "It's **4**.\n\n> 😀 \"four\"  "}
SYSTEM = {"role": "system", "content": "Be brief.\nAnd kind. "}
MORE = [{"role": "user", "content": "And\tü?"}, {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nA vowel."}, {"role": "user", "content": "Thanks"}]
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True}


def conversation(messages, **variables):
    return {"messages": messages, "tools": None, "documents": None, **TOKENS, **variables}


ARGUMENTS = dict(CALL, function=dict(CALL["function"], arguments='{"city": "Zürich"}'))
TOOL_TURNS = [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "tool", "name": "get_weather", "tool_call_id": "call12345", "content": "{\"sky\": \"clear\"}"}]
CONVERSATIONS = {
    "user": conversation([USER]),
    "user, no prompt": conversation([USER], add_generation_prompt=False),
    "turns": conversation([USER, ASSISTANT, *MORE]),
    "turns, no prompt": conversation([USER, ASSISTANT], add_generation_prompt=False),
    "system": conversation([SYSTEM, USER]),
    "system and turns": conversation([SYSTEM, USER, ASSISTANT, *MORE]),
    "dated": conversation([SYSTEM, USER], date_string="07 Mar 2025"),
    "wrong order": conversation([USER, USER]),
    "unknown role": conversation([USER, {"role": "critic", "content": "Meh"}]),
    "empty": conversation([]),
    "parts": conversation([{"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}]),
    "tools": conversation([USER], tools=[TOOL]),
    "tools and system": conversation([SYSTEM, USER], tools=[TOOL, TOOL]),
    "tools with the system": conversation([SYSTEM, USER], tools=[TOOL], tools_in_user_message=False),
    "call": conversation(TOOL_TURNS[:2], tools=[TOOL], add_generation_prompt=False),
    "call and answer": conversation([SYSTEM, *TOOL_TURNS], tools=[TOOL]),
    "call and both answers": conversation([*TOOL_TURNS, ASSISTANT], tools=[TOOL], add_generation_prompt=False),
    "call with arguments as text": conversation([USER, {"role": "assistant", "content": None, "tool_calls": [ARGUMENTS]}, *TOOL_TURNS[2:]]),
    "two calls": conversation([USER, {"role": "assistant", "content": None, "tool_calls": [ARGUMENTS, ARGUMENTS]}, TOOL_TURNS[2], TOOL_TURNS[2]], tools=[TOOL]),
    "built-in tools": conversation([USER], builtin_tools=["code_interpreter", "search"]),
    "reasoning": conversation([USER, {"role": "assistant", "content": "4", "reasoning_content": "2 + 2"}, MORE[0]], enable_thinking=False),
}


def main():
    old = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    models = old.get("models", {})
    for file in sorted(pathlib.Path(sys.argv[1]).glob("*.jinja")) if len(sys.argv) > 1 else []:
        source = file.read_text(encoding="utf-8")
        models[file.name] = {name: render(source, inputs) for name, inputs in CONVERSATIONS.items()}
    golden = {
        "variables": VARIABLES,
        "expressions": {e: render("{{ " + e + " }}", VARIABLES) for e in EXPRESSIONS},
        "templates": [{"source": t, "text": render(t, VARIABLES)} for t in TEMPLATES],
        "conversations": CONVERSATIONS,
        "models": models,
    }
    OUT.write_text(json.dumps(golden, ensure_ascii=True, indent=1) + "\n", encoding="utf-8")
    failing = sum(v is None for v in golden["expressions"].values()) + sum(t["text"] is None for t in golden["templates"])
    print(f"{len(EXPRESSIONS)} expressions, {len(TEMPLATES)} templates, {failing} of them fail, {len(models)} models: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
