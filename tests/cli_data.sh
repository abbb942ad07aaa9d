#!/bin/sh
# Data sets and tables as people have them: what the command makes of them, and what it says.
# Run by `make check`: PPML=build/ppml sh tests/cli_data.sh
set -u
. tests/cli_support.sh
NPZ=$TINY/npz
CSV=$TINY/csv

# says NAME PATTERN [FILE]: a line of what was printed is that.
says() {
  if grep -q -e "$2" "${3:-out}"; then pass; else fail "$1: no line like $2: $(cat "${3:-out}")"; fi
}

# silent NAME PATTERN: no line is.
silent() {
  if grep -q -e "$2" out; then fail "$1: $(cat out)"; else pass; fi
}

# same NAME FILE: the network is that of the plain data set.
same() {
  if cmp -s "$2" plain.ppml; then pass; else fail "$1: another network than of the plain data set"; fi
}

T="--hidden 2 --epochs 2 --seeds 1 --threads 1 --class-names left,right"
train() {
  data=$1
  shift
  "$PPML" train "$NPZ/$data.npz" -o new.m $T "$@"
}

# ---------------------------------------------------------------------------- data sets

ok "plain" train plain
mv new.m plain.ppml
silent "plain: says what needs no saying" '^values\|^labels\|^val .*cut'

# What holds the same images and labels makes the same network.
for data in images_n1hw images_nhw1 images_fortran images_uint16 images_uint16_big images_uint32 images_float01 \
  images_float16 images_float32_big images_float64 labels_bool labels_int64 labels_int64_big labels_float32 \
  labels_onehot npy_hdr_uint8 npy_v3 zip_in_folder; do
  ok "$data" train $data
  same "$data" new.m
done
ok "flat images" train images_flat --shape 8,6
same "flat images" new.m
ok "flat images, one channel" train images_flat --shape 1,8,6
same "flat images, one channel" new.m

# The rule is printed.
ok "bool images" train images_bool
says "bool images" '^values     bool: 0 is black, 1 white'
ok "uint16 images" train images_uint16
says "uint16 images" "^values     uint16: 0 is black, 65535 white (the type's)"
ok "float images" train images_float01 --json
says "float images" '"values": {"dtype": "float32", "least": 0, "most": 1, "black": 0, "white": 1}'
ok "one-hot labels" train labels_onehot
says "one-hot labels" '^labels     2 one-hot columns: classes'
ok "one-hot labels as labels" train labels_onehot --task labels
silent "one-hot labels as labels" 'one-hot'

# And kept.
ok "int16 images" train images_int16
says "int16 images" '^values     int16: -32768 is black, 32767 white'
ok "int16 images kept" "$PPML" info new.m --json
says "int16 images kept" '"values": {"black": -32768, "white": 32767, "bytes_are_values": 0}'
ok "a range" train images_int16_ct --range -1024,3056
mv new.m ct.ppml
ok "a range kept" "$PPML" info ct.ppml
says "a range kept" '^  black  *-1024$'
ok "the data's range" train images_int16_ct --range data
cmp -s new.m ct.ppml && pass || fail "the data's range: another network than by that range"
ok "a range of bytes" train images_int64 --range 0,255
ok "a range of bytes kept" "$PPML" info new.m --json
says "a range of bytes kept" '"black": 0, "white": 255, "bytes_are_values": 1'
ok "a range of float bytes" train images_float255 --range 0,255
refuses_because "values of one level" 65 "--range 0,255, or .astype('uint8')" train images_int32
refuses_because "wide integers" 65 "int64 values from 0 to 255 (expected --range" train images_int64
refuses_because "floats beyond 1" 65 "float32 values from 0 to 255 (expected 0 to 1, or --range LO,HI" train images_float255
refuses_because "NaN" 65 "train_images: a value of float32 that is not finite" train images_nan
refuses_because "infinity" 65 "train_images: a value of float64 that is not finite" train images_infinite
for range in 5 5,5 9,1 a,b 0,1,2 nan,1 ''; do
  refuses_because "the range '$range'" 64 "expected LO,HI" train plain --range "$range"
done

# Names, and splits that are missing.
ok "names like Keras'" train keras_keys
says "names like Keras'" '^val        4 images cut from train: a tenth of each class'
says "names like Keras'" '^train  *36 '
says "names like Keras'" '^test  *10 '
cp new.m keras.ppml
ok "no validation images" train no_val
cmp -s new.m keras.ppml && pass || fail "no validation images: not cut in the same way"
ok "no test images" train no_test
silent "no test images" '^test'
ok "no test images, as JSON" train no_test --json
silent "no test images, as JSON" '"test"'
ok "images and labels alone" train images_labels_keys
says "images and labels alone" '^val        4 images cut'
silent "images and labels alone" '^test'
refuses_because "other names" 65 'no array train_images (expected train_images and train_labels, x_train and y_train, or images and labels; there are train_images_28, train_labels_28)' train other_names
refuses_because "test images alone" 65 'no array train_images' train test_alone

# Labels.
refuses_because "labels from 1" 65 'labels 1, 2 (expected 0, 1 and so on; --relabel' train labels_1based
refuses_because "labels with a gap" 65 'labels 0, 2 (expected' train labels_gap
for data in labels_1based labels_minus labels_gap; do
  ok "$data" train $data --relabel
  same "$data" new.m
done
ok "labels as names" "$PPML" train "$NPZ/labels_minus.npz" -o minus.ppml --hidden 0 --epochs 2 --relabel
says "labels as names" '^labels     -1 1 are classes 0 to 1$'
ok "labels as names kept" "$PPML" info minus.ppml --json
says "labels as names kept" '"class_names": \["-1", "1"\]'
refuses_because "labels that are no whole numbers" 65 'a label of 0.5 (expected whole numbers)' train labels_half
for class in 0 1; do
  refuses_because "class $class alone" 65 "all labels are $class (expected at least two classes)" train labels_single_class_$class
  refuses_because "class $class alone, relabelled" 65 "all labels are $class (expected" train labels_single_class_$class --relabel
done
refuses_because "several labels that are not there" 65 'one label an image' train plain --task labels

# Shapes.
refuses_because "flat images without a shape" 65 'flat images: (40, 48) of uint8 (expected (N, H, W), or how they lie by --shape H,W)' train images_flat
refuses_because "a shape that does not fit" 65 'another shape than --shape: (40, 48)' train images_flat --shape 8,7
refuses_because "a shape against the array's" 65 'another shape than --shape: (40, 8, 6)' train plain --shape 6,8
for shape in 8 8x6 8,6,2 8,6,1,1 0,6 ''; do
  refuses_because "the shape '$shape'" 64 'expected H,W' train plain --shape "$shape"
done

# Other commands know from the network.
ok "compile" "$PPML" compile plain.ppml -o c.ppml --client cl.ppml --no-calibration --agreement 0
ok "simulate on flat images" "$PPML" simulate c.ppml "$NPZ/images_flat.npz" --draws 50 --json
mv out flat.out
ok "simulate on plain images" "$PPML" simulate c.ppml "$NPZ/plain.npz" --draws 50 --json
cmp -s out flat.out && pass || fail "simulate: flat images are others"
ok "simulate on floats" "$PPML" simulate c.ppml "$NPZ/images_float16.npz" --draws 50 --json
cmp -s out flat.out && pass || fail "simulate: floats are others"
ok "simulate on test images alone" "$PPML" simulate c.ppml "$NPZ/test_alone.npz" --draws 50 --json
cmp -s out flat.out && pass || fail "simulate: test images alone are others"
ok "simulate on the cut" "$PPML" simulate c.ppml "$NPZ/no_val.npz" --split val --draws 50 --json
says "simulate on the cut" '"images": 4'
refuses_because "simulate without test images" 65 'no such images in the data set (expected --split train)' "$PPML" simulate c.ppml "$NPZ/no_test.npz"
ok "simulate on one class" "$PPML" simulate c.ppml "$NPZ/labels_single_class_1.npz" --draws 50
refuses_because "simulate on labels from 1" 65 "labels 1, 2 (expected the network's classes, 0 and so on; --relabel" "$PPML" simulate c.ppml "$NPZ/labels_1based.npz"
ok "simulate on labels from 1, numbered" "$PPML" simulate c.ppml "$NPZ/labels_1based.npz" --draws 50 --json --relabel
cmp -s out flat.out && pass || fail "simulate: numbered labels are others"
refuses_because "simulate on int16" 65 'what the network was trained on' "$PPML" simulate c.ppml "$NPZ/images_int16.npz"
ok "features" "$PPML" features "$NPZ/images_uint16.npz" -o map.ppml --count 4
says "features" '^values     uint16'
ok "features of public images whose labels are others" "$PPML" features "$NPZ/plain.npz" --public "$NPZ/labels_minus.npz" -o map.ppml --count 4
refuses_because "features of public test images" 65 'no such images' "$PPML" features "$NPZ/plain.npz" --public "$NPZ/test_alone.npz" -o new.map --count 4
ok "keys of features" "$PPML" keygen map.ppml --secret-key msk --eval-key mek
ok "a training set without validation images" "$PPML" encrypt --secret-key msk --training map.ppml "$NPZ/no_val.npz" -o set.ct --method sums
says "a training set without validation images" '^36 images became'
refuses_because "features of latents" 65 'latents of floats' "$PPML" features "$TINY/tiny_latents.npz" -o new.map

# One image as an array.
ok "keygen" "$PPML" keygen cl.ppml --secret-key sk --eval-key ek
for array in one_uint8 one_uint16 one_float32; do
  ok "encrypt $array" "$PPML" encrypt --secret-key sk "$NPZ/$array.npy" -o in.ct
done
refuses_because "encrypt int64" 65 ".astype('uint8')" "$PPML" encrypt --secret-key sk "$NPZ/one_int64.npy" -o new.ct
refuses_because "encrypt another shape" 65 'an image of another shape: (6, 8) of uint8 (expected 6x8x1 values)' "$PPML" encrypt --secret-key sk "$NPZ/one_other.npy" -o new.ct
ok "compile a range" "$PPML" compile ct.ppml -o ctc.ppml --client ctcl.ppml --no-calibration --agreement 0
ok "a range in the client spec" "$PPML" info ctcl.ppml --json
says "a range in the client spec" '"values": {"black": -1024, "white": 3056, "bytes_are_values": 0}'
ok "keygen of a range" "$PPML" keygen ctcl.ppml --secret-key ctsk --eval-key ctek
ok "encrypt by the range" "$PPML" encrypt --secret-key ctsk "$NPZ/one_int16_ct.npy" -o ct.ct
ok "encrypt another by the range" "$PPML" encrypt --secret-key ctsk "$NPZ/images_int16_ct.npz" --split test --index 0 -o ct1.ct
ok "infer by the range" "$PPML" infer ctc.ppml --eval-key ctek ct.ct ct1.ct -o ct.out
"$PPML" decrypt --secret-key ctsk ct.out >out 2>err
[ "$(awk '$NF == "%" { print $(NF-2), $(NF-1) }' out | sort -u | wc -l)" -eq 1 ] && pass || fail "an array and its image in a data set differ: $(cat out)"
refuses_because "a picture of other values" 65 'a picture, whose bytes are no values of -1024 to 3056' "$PPML" encrypt --secret-key ctsk "$NPZ/one.pgm" -o new.ct
ok "export a range" "$PPML" export ctcl.ppml -o client.h
says "export a range" 'spec->range.black = INT64_C(-1073741824);' client.h

# What is no data set is called what it is.
head -c 1000 "$NPZ/plain.npz" >cut.npz
refuses_because "an archive that is cut short" 65 'a zip archive that is cut short' "$PPML" train cut.npz -o new.m
refuses_because "one array" 65 'one array of an .npy (expected an .npz of images and labels' "$PPML" train "$NPZ/one_uint8.npy" -o new.m
printf '\211HDF\r\n\032\n' >data.h5
refuses_because "HDF5" 65 'an HDF5 file (expected an .npz' "$PPML" train data.h5 -o new.m
: >empty.npz
refuses_because "an empty file" 65 'an empty file (expected an .npz)' "$PPML" train empty.npz -o new.m
head -c 100 "$NPZ/one_uint8.npy" >cut.npy
refuses_because "an array that is cut short" 65 'damaged NPY header' "$PPML" encrypt --secret-key sk cut.npy -o new.ct
head -c 150 "$NPZ/one_uint8.npy" >cut.npy
refuses_because "data that are cut short" 65 '(8, 6) of uint8 in 22 bytes (expected 48 values; is it cut short?)' "$PPML" encrypt --secret-key sk cut.npy -o new.ct
refuses_because "a picture" 65 'not a zip archive (expected an .npz' "$PPML" train "$NPZ/one.pgm" -o new.m
refuses_because "no memory" 64 'not a number in range: --data-mib' "$PPML" train "$NPZ/plain.npz" -o new.m --data-mib 0

# Latents stay what they are.
ok "latents" "$PPML" train "$TINY/tiny_latents_last.npz" -o l.ppml --regions 1 --kernel 2
silent "latents" '^values'
ok "pictures of floats for an encoder" "$PPML" train "$NPZ/images_float01.npz" -o new.m --encoder 2 --latents 2 --regions 1 --kernel 1 --copies 0
says "pictures of floats for an encoder" '^values     float32'

# ------------------------------------------------------------------------------- tables

# Pictures of 8x8, bright on the left (even) or right (odd).
i=0
while [ $i -lt 24 ]; do
  if [ $((i % 2)) -eq 0 ]; then row='\310\310\310\310\050\050\050\050'; else row='\050\050\050\050\310\310\310\310'; fi
  { printf 'P5 8 8 255\n'; printf "$row$row$row$row$row$row$row$row"; } >$i.png
  i=$((i + 1))
done
cp "$CSV"/*.csv .
pack() {
  table=$1
  shift
  "$PPML" pack "$table" -o new.npz --side 8 "$@"
}

ok "plain table" pack split_valid.csv
mv new.npz plain.npz
for table in medmnist_save semicolon spaces_after_comma tab upper_header; do
  ok "$table" pack $table.csv
  cmp -s new.npz plain.npz && pass || fail "$table: another data set"
done
ok "a byte order mark and CRLF" true
{ printf '\357\273\277'; sed 's/$/\r/' split_valid.csv; } >bom.csv
ok "a byte order mark" pack bom.csv
cmp -s new.npz plain.npz && pass || fail "a byte order mark: another data set"
for encoding in '\377\376f\000i\000' '\376\377\000f\000i' 'f\000i\000' '\000f\000i'; do
  printf "$encoding" >utf16.csv
  refuses_because "UTF-16 ($encoding)" 65 'UTF-8: iconv -f UTF-16' pack utf16.csv
done
printf 'PK\003\004xxxx' >book.xlsx
refuses_because "a workbook" 65 'expected a table saved as CSV' pack book.xlsx

ok "findings" pack nih.csv
says "findings" '^label 0    6 images  Cardiomegaly$'
says "findings" '^label 1    6 images  Emphysema$'
ok "train on findings" "$PPML" train new.npz -o m.ppml --hidden 2 --epochs 1
ok "findings in an order" pack nih.csv --classes Emphysema,Cardiomegaly,Hernia --json
says "findings in an order" '"labels_per_image": 3.*"of_class": \[6, 6, 0\], "names": \["Emphysema", "Cardiomegaly", "Hernia"\]'
refuses_because "a finding that is not told" 65 'line 3: no such label' pack nih.csv --classes Hernia,Emphysema

ok "several columns" pack chexpert.csv
says "several columns" '^label 0    12 images  No Finding$'
says "several columns" '^label 1    6 images  Pneumonia$'
sed 's/,split/,Fracture,Edema,split/;s/,\(train\|val\|test\)$/,0.0,,\1/' chexpert.csv >rare.csv
ok "a column without a 1, and one of nothing" pack rare.csv --json
says "a column without a 1, and one of nothing" '"names": \["No Finding", "Pneumonia", "Fracture"\]'
sed '3s/1.0,1.0/-1.0,0.0/;4s/1.0,/-1,/' chexpert.csv >uncertain.csv
refuses_because "uncertain labels" 65 'line 3: an uncertain label, -1 (expected --uncertain zero, one or skip)' pack uncertain.csv
for way in zero:10:5 one:12:5 skip:10:5; do
  ok "uncertain: ${way%%:*}" pack uncertain.csv --uncertain ${way%%:*} --json
  counts=${way#*:}
  says "uncertain: ${way%%:*}" "\"of_class\": \[${counts%:*}, ${counts#*:}\]"
done
says "uncertain: skip" '"skipped": 2'
refuses_because "uncertain: maybe" 64 'expected zero, one or skip' pack uncertain.csv --uncertain maybe
ok "one of several columns" pack chexpert.csv --label-column Pneumonia,'No Finding'
says "one of several columns" '^label 0    6 images  Pneumonia$'

sed 's/,0,/,normal,/;s/,1,/,pneumonia,/' split_valid.csv >names.csv
ok "names" pack names.csv
cmp -s new.npz plain.npz && pass || fail "names: another data set"
says "names" '^class 1    6 images  pneumonia$'
ok "names in another order" pack names.csv --classes pneumonia,normal
says "names in another order" '^class 0    6 images  pneumonia$'
sed '4s/normal/0/' names.csv >mixed.csv
refuses_because "names and numbers" 65 'line 2: bad label (expected a number as elsewhere, or --classes)' pack mixed.csv

sed 's/train$/TRAINING/;s/valid$/Validation/;s/val$/VALID/;s/test$/testing/' split_valid.csv >words.csv
ok "other words for splits" pack words.csv
cmp -s new.npz plain.npz && pass || fail "other words for splits: another data set"
for names in 'Image Index,Target,Subset' 'PATH,Finding_Labels,Partition' 'filename,class,set' 'image-id,diagnosis,split'; do
  { echo "$names"; sed 1d split_valid.csv; } >other.csv
  ok "columns $names" pack other.csv
  cmp -s new.npz plain.npz && pass || fail "columns $names: another data set"
done
sed '1s/.*/picture,grade,part/' split_valid.csv >own.csv
refuses_because "unknown columns" 65 'no column file or the like (expected --file-column to name one of picture, grade, part)' pack own.csv
refuses_because "an unknown label" 65 'expected --label-column to name one of picture, grade, part' pack own.csv --file-column picture
refuses_because "a column that is not there" 65 'no column size (expected one of picture, grade, part)' pack own.csv --file-column size
ok "columns that are told" pack own.csv --file-column picture --label-column grade --split-column part
cmp -s new.npz plain.npz && pass || fail "columns that are told: another data set"
sed '1s/.*/path,label,image/' split_valid.csv >two.csv
refuses_because "two columns for the file" 65 'columns path and image (expected --file-column to say which it is)' pack two.csv --split-column image

# Splits of its own.
{ echo file,label,patient; i=0; while [ $i -lt 24 ]; do echo "$i.png,$((i % 2)),p$((i / 4))"; i=$((i + 1)); done; } >patients.csv
ok "splits by shares" pack no_split_col.csv
says "splits by shares" '^split      0.8, 0.1, 0.1 by seed 1, of each class, files together$'
says "splits by shares" 'train 8, val 2, test 2$'
mv new.npz divided.npz
{ head -1 no_split_col.csv; sed 1d no_split_col.csv | sort -r; } >sorted.csv
ok "splits by shares in another order" pack sorted.csv --json
says "splits by shares in another order" '"train": 8, "val": 2, "test": 2'
ok "other shares" pack no_split_col.csv --split 0.5,0.25,0.25 --seed 2 --json
says "other shares" '"train": 6, "val": 3, "test": 3\|"train": 4, "val": 4, "test": 4'
ok "no test images by shares" pack no_split_col.csv --split 0.5,0.5,0
says "no test images by shares" 'test 0$'
ok "train without test images" "$PPML" train new.npz -o m.ppml --hidden 2 --epochs 1
silent "train without test images" '^test'
ok "splits of patients" pack patients.csv --split 0.5,0.25,0.25
says "splits of patients" 'patients together$'
says "splits of patients" 'train 16, val 4, test 4$\|train 12, val 8, test 4$\|train 12, val 4, test 8$\|train 8, val 8, test 8$'
for share in 0.8 0.8,0.2 0.8,0.1,0.2 0,0.5,0.5 0.8,0.1,0.1,0 a,b,c; do
  refuses_because "the shares $share" 64 'expected shares of train, val and test' pack no_split_col.csv --split $share
done
refuses_because "shares and a split column" 64 'expected one of them' pack split_valid.csv --split 0.8,0.1,0.1

# Files.
{ cat split_valid.csv; echo 0.png,0,test; } >twice.csv
refuses_because "a file in two splits" 65 'line 14: 0.png is in test, at line 2 in train (expected one split)' pack twice.csv
{ cat split_valid.csv; echo 0.png,1,train; } >torn.csv
{ echo file,label,split,patient; sed '1d;s/$/,a/' split_valid.csv; echo 0.png,0,train,b; } >strangers.csv
refuses_because "a file of two patients" 65 'line 14: 0.png has another patient than at line 2' pack strangers.csv
refuses_because "a file with two labels" 65 'line 14: 0.png has other labels than at line 2' pack torn.csv
sed 's/\.png/.PNG/' split_valid.csv >upper.csv
ok "endings in capitals" pack upper.csv
cmp -s new.npz plain.npz && pass || fail "endings in capitals: another data set"
sed 's/\.png//' split_valid.csv >bare.csv
ok "no endings" pack bare.csv
cmp -s new.npz plain.npz && pass || fail "no endings: another data set"
mkdir -p sub
cp 0.png sub/
sed '2s|^|sub\\|' split_valid.csv >turned.csv
ok "a path with a backslash" pack turned.csv
cmp -s new.npz plain.npz && pass || fail "a path with a backslash: another data set"
printf 'file,label,split\n0.png,gesch\344digt,train\n1.png,gut,train\n' >latin1.csv
refuses_because "a name in Latin 1" 65 "a label's name " pack latin1.csv
{ echo 'sep=;'; cat semicolon.csv; } >sep.csv
ok "a separator that is told" pack sep.csv
cmp -s new.npz plain.npz && pass || fail "a separator that is told: another data set"
tr '\n' '\r' <split_valid.csv >mac.csv
ok "lines that end with CR" pack mac.csv
cmp -s new.npz plain.npz && pass || fail "lines that end with CR: another data set"
mkdir -p saved/medmnist
i=0
while [ $i -lt 12 ]; do cp $i.png saved/medmnist/; i=$((i + 1)); done
cp medmnist_save.csv saved/medmnist.csv
ok "MedMNIST's folder" pack saved/medmnist.csv
cmp -s new.npz plain.npz && pass || fail "MedMNIST's folder: another data set"
mkdir -p above/deep
sed '1!s|^|above/|' split_valid.csv >above/deep/table.csv
i=0
while [ $i -lt 12 ]; do cp $i.png above/; i=$((i + 1)); done
cp above/deep/table.csv above/table.csv
ok "paths that begin with the table's folder" pack above/table.csv
cmp -s new.npz plain.npz && pass || fail "paths that begin with the table's folder: another data set"
sed 's/$/,1,0/' medmnist_save.csv >saved/medmnist.csv
ok "MedMNIST's folder of several labels" pack saved/medmnist.csv --json
says "MedMNIST's folder of several labels" '"labels_per_image": 3.*"of_class": \[6, 12, 0\]'
refuses_because "files that are not there" 66 '12 of 12 files are not there: 0.png (line 2), 1.png (line 3), 2.png (line 4), 3.png (line 5), 4.png (line 6), 5.png (line 7), 6.png (line 8), 7.png (line 9), 8.png (line 10), 9.png (line 11) and so on (expected in saved; --images names the folder)' pack split_valid.csv --images saved
refuses_because "a file that is not there" 66 '1 of 12 files is not there: 7.png (line 9)' sh -c "mv 7.png kept; $PPML pack split_valid.csv -o new.npz --side 8; code=\$?; mv kept 7.png; exit \$code"
refuses_because "more memory than there may be" 65 '--data-mib sets the limit, --side the size' "$PPML" pack split_valid.csv -o new.npz --side 4096 --rgb --data-mib 500
ok "large images" "$PPML" pack split_valid.csv -o large.npz --side 400
refuses_because "a larger file than there may be" 65 'too large (expected at most 1048576 bytes); --data-mib sets the limit' "$PPML" train large.npz -o new.m --data-mib 1
refuses_because "a larger data set than there may be" 65 'needs 4 MiB of memory, its own bytes included (expected at most 2 MiB; --data-mib sets the limit)' "$PPML" train large.npz -o new.m --data-mib 2
refuses_because "more than a zip archive holds" 65 'make more than 4 GiB (expected less: a smaller --side)' sh -c "
  { echo file,label,split; i=0; while [ \$i -lt 90 ]; do echo \$i,\$((i % 2)),train; i=\$((i + 1)); done; } >many.csv
  $PPML pack many.csv -o new.npz --side 4096 --rgb --data-mib 100000"

for c in train pack encrypt; do ok "$c --help" "$PPML" $c --help; done

finish
