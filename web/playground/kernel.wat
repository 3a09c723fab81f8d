;; The one loop that takes time: a convolution of stride 1 over rows of pixels, eight results of four neighbouring pixels at once.
;;
;; Pixels lie one behind the other, all channels of a pixel together, so that what a row of the kernel covers is one stretch of memory.
;; Weights lie as (channels / 8, kernel rows, what a kernel row covers, 8). Addresses and strides are in bytes.
(module
  (memory (export "memory") 1 65536)
  (func (export "convolve")
    (param $in i32) (param $weights i32) (param $bias i32) (param $out i32)
    (param $height i32) (param $width i32)  ;; of the result
    (param $row i32) (param $pixel i32)     ;; from a row, from a pixel of the input to the next
    (param $rows i32) (param $span i32)     ;; kernel rows; what one of them covers
    (param $channels i32)                   ;; of the result, a multiple of 8
    (local $n i32) (local $y i32) (local $x i32) (local $r i32) (local $end i32)
    (local $w i32) (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $to i32) (local $left i32)
    (local $db i32) (local $dc i32) (local $dd i32)
    (local $a0 v128) (local $a1 v128) (local $b0 v128) (local $b1 v128) (local $c0 v128) (local $c1 v128) (local $d0 v128) (local $d1 v128)
    (local $w0 v128) (local $w1 v128) (local $v v128)
    (loop $blocks
      (local.set $y (i32.const 0))
      (loop $lines
        (local.set $x (i32.const 0))
        (loop $pixels
          (local.set $a0 (v128.load (i32.add (local.get $bias) (i32.shl (local.get $n) (i32.const 2)))))
          (local.set $a1 (v128.load offset=16 (i32.add (local.get $bias) (i32.shl (local.get $n) (i32.const 2)))))
          (local.set $b0 (local.get $a0)) (local.set $b1 (local.get $a1))
          (local.set $c0 (local.get $a0)) (local.set $c1 (local.get $a1))
          (local.set $d0 (local.get $a0)) (local.set $d1 (local.get $a1))
          ;; behind the end of the line the last pixel is computed again
          (local.set $left (i32.sub (i32.sub (local.get $width) (i32.const 1)) (local.get $x)))
          (local.set $db (select (i32.const 1) (local.get $left) (i32.gt_s (local.get $left) (i32.const 1))))
          (local.set $dc (select (i32.const 2) (local.get $left) (i32.gt_s (local.get $left) (i32.const 2))))
          (local.set $dd (select (i32.const 3) (local.get $left) (i32.gt_s (local.get $left) (i32.const 3))))
          (local.set $r (i32.const 0))
          (local.set $w (i32.add (local.get $weights)
            (i32.mul (i32.mul (local.get $n) (local.get $rows)) (local.get $span))))
          (loop $kernel
            (local.set $a (i32.add (local.get $in)
              (i32.add (i32.mul (i32.add (local.get $y) (local.get $r)) (local.get $row)) (i32.mul (local.get $x) (local.get $pixel)))))
            (local.set $b (i32.add (local.get $a) (i32.mul (local.get $db) (local.get $pixel))))
            (local.set $c (i32.add (local.get $a) (i32.mul (local.get $dc) (local.get $pixel))))
            (local.set $d (i32.add (local.get $a) (i32.mul (local.get $dd) (local.get $pixel))))
            (local.set $end (i32.add (local.get $a) (local.get $span)))
            (loop $values
              (local.set $w0 (v128.load (local.get $w)))
              (local.set $w1 (v128.load offset=16 (local.get $w)))
              (local.set $v (v128.load32_splat (local.get $a)))
              (local.set $a0 (f32x4.add (local.get $a0) (f32x4.mul (local.get $v) (local.get $w0))))
              (local.set $a1 (f32x4.add (local.get $a1) (f32x4.mul (local.get $v) (local.get $w1))))
              (local.set $v (v128.load32_splat (local.get $b)))
              (local.set $b0 (f32x4.add (local.get $b0) (f32x4.mul (local.get $v) (local.get $w0))))
              (local.set $b1 (f32x4.add (local.get $b1) (f32x4.mul (local.get $v) (local.get $w1))))
              (local.set $v (v128.load32_splat (local.get $c)))
              (local.set $c0 (f32x4.add (local.get $c0) (f32x4.mul (local.get $v) (local.get $w0))))
              (local.set $c1 (f32x4.add (local.get $c1) (f32x4.mul (local.get $v) (local.get $w1))))
              (local.set $v (v128.load32_splat (local.get $d)))
              (local.set $d0 (f32x4.add (local.get $d0) (f32x4.mul (local.get $v) (local.get $w0))))
              (local.set $d1 (f32x4.add (local.get $d1) (f32x4.mul (local.get $v) (local.get $w1))))
              (local.set $w (i32.add (local.get $w) (i32.const 32)))
              (local.set $b (i32.add (local.get $b) (i32.const 4)))
              (local.set $c (i32.add (local.get $c) (i32.const 4)))
              (local.set $d (i32.add (local.get $d) (i32.const 4)))
              (br_if $values (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 4))) (local.get $end))))
            (br_if $kernel (i32.lt_s (local.tee $r (i32.add (local.get $r) (i32.const 1))) (local.get $rows))))
          (local.set $to (i32.add (local.get $out) (i32.shl (i32.add (local.get $n)
            (i32.mul (i32.add (i32.mul (local.get $y) (local.get $width)) (local.get $x)) (local.get $channels))) (i32.const 2))))
          (local.set $db (i32.mul (local.get $db) (i32.shl (local.get $channels) (i32.const 2))))
          (local.set $dc (i32.mul (local.get $dc) (i32.shl (local.get $channels) (i32.const 2))))
          (local.set $dd (i32.mul (local.get $dd) (i32.shl (local.get $channels) (i32.const 2))))
          (v128.store (local.get $to) (local.get $a0)) (v128.store offset=16 (local.get $to) (local.get $a1))
          (v128.store (i32.add (local.get $to) (local.get $db)) (local.get $b0))
          (v128.store offset=16 (i32.add (local.get $to) (local.get $db)) (local.get $b1))
          (v128.store (i32.add (local.get $to) (local.get $dc)) (local.get $c0))
          (v128.store offset=16 (i32.add (local.get $to) (local.get $dc)) (local.get $c1))
          (v128.store (i32.add (local.get $to) (local.get $dd)) (local.get $d0))
          (v128.store offset=16 (i32.add (local.get $to) (local.get $dd)) (local.get $d1))
          (br_if $pixels (i32.lt_s (local.tee $x (i32.add (local.get $x) (i32.const 4))) (local.get $width))))
        (br_if $lines (i32.lt_s (local.tee $y (i32.add (local.get $y) (i32.const 1))) (local.get $height))))
      (br_if $blocks (i32.lt_s (local.tee $n (i32.add (local.get $n) (i32.const 8))) (local.get $channels))))))
