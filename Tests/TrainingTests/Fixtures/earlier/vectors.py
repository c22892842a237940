import struct, random
random.seed(5)
def npy(path, descr, shape, data):
    h = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (descr, shape)
    h = h + ' ' * (63 - (10 + len(h)) % 64) + '\n'
    open(path, 'wb').write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(h)) + h.encode() + data)
n, w, c = 72, 6, 12
x, y = [], []
for k in range(c):
    m = [random.gauss(0, 1) for _ in range(w)]
    for i in range(n // c):
        x += [v + 0.5 * random.gauss(0, 1) for v in m]; y.append(k)
npy('x.npy', '<f4', (n, w), struct.pack('<%df' % len(x), *x))
npy('y.npy', '<i8', (n,), struct.pack('<%dq' % n, *y))
