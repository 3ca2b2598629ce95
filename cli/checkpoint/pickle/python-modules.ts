/** The modules that Python itself brings, by name: nothing of theirs may be asked for by a checkpoint but what is known to be harmless. */

/** `sys.stdlib_module_names` of Python 3.11, and the modules that older versions had. */
const standard = `
  ConfigParser Queue StringIO UserDict __builtin__ abc aifc antigravity argparse array ast asynchat asyncio asyncore atexit audioop
  base64 bdb binascii bisect builtins bz2 cPickle cProfile cStringIO calendar cgi cgitb chunk cmath cmd code codecs codeop collections
  colorsys commands compileall concurrent configparser contextlib contextvars copy copy_reg copyreg crypt csv ctypes curses dataclasses
  datetime dbm decimal difflib dis distutils dl doctest email encodings ensurepip enum errno exceptions faulthandler fcntl filecmp
  fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http
  httplib idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3 linecache locale logging lzma mailbox
  mailcap marshal math md5 mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc new nis nntplib nt ntpath nturl2path numbers
  opcode operator optparse os os2 ossaudiodev pathlib pdb pickle pickletools pipes pkgutil platform plistlib popen2 poplib posix
  posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource
  rlcompleter runpy sched secrets select selectors sets sha shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver
  spwd sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess sunau symtable sys sysconfig
  syslog tabnanny tarfile telnetlib tempfile termios textwrap this thread threading time timeit tkinter token tokenize tomllib trace
  traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib urllib2 urlparse uu uuid venv warnings wave
  weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo`;

/** Packages that are everywhere and install or run code by a mere call, or build functions from bytes. */
const runners = "IPython cloudpickle dill joblib pip pkg_resources setuptools";

const modules = new Set(`${standard} ${runners}`.trim().split(/\s+/));

/** A module of Python's own, or one like it. Names that begin with a line are those of its C code. */
export function isPythonModule(name: string): boolean {
  return modules.has(name) || (name.startsWith("_") && name !== "__main__");
}
